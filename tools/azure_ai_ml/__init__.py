"""azure-ai-ml, Microsoft's own client of Azure ML, for the oracle lane and the bench: heavy, and only a judge."""

from tools.apart import Apart

AZURE_AI_ML = Apart("azure_ai_ml", "azure-ai-ml", "about 20 s the first time, 110 MB in the cache")
