"""Measures the sink alone: one process that sends the same mail repeatedly with smtplib, on one connection."""

import argparse
import smtplib
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--sender", required=True)
    parser.add_argument("--recipient", required=True)
    parser.add_argument("--message", type=Path, required=True)
    given = parser.parse_args()
    message = given.message.read_bytes()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with smtplib.SMTP("127.0.0.1", given.port, "plain.example") as smtp:
        for _mail in range(given.count):
            smtp.sendmail(given.sender, [given.recipient], message)


if __name__ == "__main__":
    main()
