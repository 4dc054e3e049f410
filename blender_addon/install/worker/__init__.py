"""The installer: a program of its own that needs nothing but Python 3.11 or later and its standard library.

Started by `control.start` as `python -c 'from worker.main import main; main()' FOLDER`; the order it gets lies in
FOLDER/plan.json, what it does is told in FOLDER/status.json and FOLDER/install.log.
"""
