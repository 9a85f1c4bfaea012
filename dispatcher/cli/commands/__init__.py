"""One module per command of `dispatch`, each loaded only when it is called."""
