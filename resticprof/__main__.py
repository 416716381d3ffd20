"""`python -m resticprof`."""

from resticprof.cli.main import main

if __name__ == "__main__":
    main()
