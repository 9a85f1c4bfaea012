"""`python -m dispatcher` is `dispatch`."""

from dispatcher.cli import main

main()
