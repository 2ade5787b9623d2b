"""`python -m benchmarks` runs them; worker processes import this file as well, so all else is behind the guard."""

if __name__ == "__main__":
    import os

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as depthg.cli does; inherited by every subject

    from benchmarks.runner import main

    main()
