"""A child that writes down the signals it gets, and ends when it pleases.

bad_process.py LOG [--ignore NAME...] [--exit CODE] [--cleanup SECONDS] [--child]
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("log")
parser.add_argument("--ignore", nargs="*", default=[])
parser.add_argument("--exit", type=int, default=130)
parser.add_argument("--cleanup", type=float, default=0)
parser.add_argument("--child", action="store_true")
options = parser.parse_args()
log = Path(options.log)


def note(text):
    with log.open("a") as file:
        file.write(f"{text}\n")


def handle(number, frame):
    name = signal.Signals(number).name.removeprefix("SIG")
    note(name)
    if name not in options.ignore:
        endings.append(time.monotonic() + options.cleanup)


endings = [time.monotonic() + 30]
for known in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(known, handle)
if options.child:
    child = subprocess.Popen([sys.executable, __file__, f"{log}.child", "--ignore", "INT", "TERM"])
    while not Path(f"{log}.child").exists():
        time.sleep(0.01)
note(f"started {os.getpid()}")
while time.monotonic() < endings[-1]:
    time.sleep(0.02)
sys.exit(options.exit)
