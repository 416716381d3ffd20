"""`python -m resticprof`."""

from resticprof.cli.app import main

if __name__ == "__main__":
    main()
