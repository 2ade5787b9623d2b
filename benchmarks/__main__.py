"""Entry point of `python -m benchmarks`; guarded, because worker processes import this file too."""

if __name__ == "__main__":
    import os

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as depthg.cli does; inherited by every subject

    from benchmarks.runner import main

    main()
