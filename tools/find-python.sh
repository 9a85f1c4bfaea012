#!/bin/sh
# Print the newest-fitting Python >= 3.11 that can make virtual environments, or say what is missing and fail.
# PYTHON names one to use.
fits='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c "$fits" >/dev/null 2>&1; then
        "$name" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done
echo "launchway needs Python 3.11 or newer with its venv module, and found none as: ${PYTHON:-python3, python3.11 to 3.14, python}." >&2
echo "Install one (on Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
