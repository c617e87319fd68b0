"""``python -m ionwidgets.cli``."""

from ionwidgets.cli import main

if __name__ == "__main__":
    main()
