"""Runs a program in a terminal of its own, types a user and a password when asked, and prints what the terminal showed.

What takes longer than PATIENCE seconds (60), such as a question that nobody expected, is killed."""
import os, pty, signal, sys, termios, time

user, password, *program = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program[0], program)

shown = b""

def give_up(*_):
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    sys.stderr.write("nothing came of it in time\n")
    os.killpg(child, signal.SIGKILL)
    os._exit(1)


signal.signal(signal.SIGALRM, give_up)
signal.alarm(int(os.environ.get("PATIENCE", "60")))
typed = [(b"user id", user), (b"password of", password)]
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    shown += part
    if not part:
        break
    if typed and typed[0][0] in shown and shown.endswith(b": "):
        asked, answer = typed.pop(0)
        # Nobody types faster than a terminal goes silent.
        for _ in range(1000):
            if asked == b"user id" or not termios.tcgetattr(terminal)[3] & termios.ECHO:
                break
            time.sleep(0.01)
        os.write(terminal, answer.encode() + b"\n")
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
