"""Runs a program in a terminal of its own, types a user and a password when it asks, and prints what the terminal showed."""
import os, pty, sys, termios, time

user, password, *program = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program[0], program)


def shows_what_is_typed():
    return termios.tcgetattr(terminal)[3] & termios.ECHO


typed = [(b"user id", user), (b"password of", password)]
shown = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    shown += part
    if not part:
        break
    if typed and typed[0][0] in shown and shown.endswith(b": "):
        # A person sees the question and takes longer than the program, which has the terminal hide what follows.
        end = time.monotonic() + 5
        while len(typed) == 1 and shows_what_is_typed() and time.monotonic() < end:
            time.sleep(0.01)
        os.write(terminal, typed.pop(0)[1].encode() + b"\n")
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
