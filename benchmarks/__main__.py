"""`python -m benchmarks` runs them; worker processes import this file as well, so all else is behind the guard."""

if __name__ == "__main__":
    from benchmarks.runner import main

    main()
