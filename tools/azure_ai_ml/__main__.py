"""`python -m tools.azure_ai_ml`: install azure-ai-ml where it is missing; silent and quick where it is there."""

import sys

from tools.apart import main
from tools.azure_ai_ml import AZURE_AI_ML

sys.exit(main(AZURE_AI_ML))
