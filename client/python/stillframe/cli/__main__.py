"""`python -m stillframe.cli` is `stillframe`."""

from stillframe.cli import main

if __name__ == "__main__":
    main()
