"""Prints the Applications as JSON, a line whenever one of them changes, until nobody listens any more. After look.py."""

import time


def main():
    last = None
    while True:
        try:
            state = json.dumps([application(one) for one in get("applications.argoproj.io")], sort_keys=True)
        except SystemExit:
            # The API may be away for a moment; an empty line only says that we are there.
            state = last
        print("" if state == last else state, flush=True)
        last = state
        time.sleep(2)


main()
