"""The stand-in for azure-native, over the local Azure."""
