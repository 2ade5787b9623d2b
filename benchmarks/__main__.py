"""Entry point of `python -m benchmarks`; guarded, because worker processes import this file too."""

if __name__ == "__main__":
    from depthg.runtime.threads import wait_briefly

    wait_briefly()  # as depthg.cli does; inherited by every subject

    from benchmarks.runner import main

    main()
