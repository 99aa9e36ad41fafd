"""`python -m onetrip` and the `onetrip` command: nothing but the way to `cli`."""


def main() -> None:
    """Run the command line."""
    from onetrip.cli.main import run  # not before it is needed: importing onetrip does not import typer and rich

    run()


if __name__ == "__main__":
    main()
