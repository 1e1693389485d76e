"""The command `basalt`: its groups, its errors, its exit codes.

Nothing heavy is imported before a command runs, so that `basalt --help` answers at once.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any

import typer

from basalt.core.cli.groups import CommandGroups
from basalt.core.errors import BasaltError

USER_ERROR, FAILURE, OUT_OF_MEMORY, INTERRUPTED = 64, 70, 137, 143
SYSTEM_TROUBLE = {
    errno.ENOSPC: "make room on the disk, and run the command again",
    errno.EDQUOT: "make room in your quota, and run the command again",
    errno.EROFS: "choose a folder that you may write to",
    errno.EACCES: "choose a file or folder that you may use",
    errno.EMFILE: "allow more open files: ulimit -n 4096",
}
"""What to do where the system refuses: these are no bugs."""
DEBUG_VARIABLE = "BASALT_DEBUG"
_SIGINT_EXIT = 130  # what Typer makes of Ctrl-C


def _same_flag(name: str) -> str:
    """Flags and commands may be typed with `-` or `_`."""
    return name.replace("-", "_")


app = typer.Typer(
    cls=CommandGroups,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its help takes twice as long to import as all the rest
    context_settings={"token_normalize_func": _same_flag, "help_option_names": ["--help", "-h"], "max_content_width": 110},
)


def _print_versions(asked: bool) -> None:
    if not asked:
        return
    names = {each.name for each in metadata.distributions() if (each.name or "").startswith("bmll-basalt")}
    for name in sorted(names):
        typer.echo(f"{name} {metadata.version(name)}")
    raise typer.Exit


@app.callback()
def basalt(
    version: Annotated[bool, typer.Option("--version", callback=_print_versions, is_eager=True, help="Print installed versions.")] = False,
) -> None:
    """Basalt: analytics of market data, from one declarative config.

    Flags may be written with `_` or `-`: --start_date is --start-date.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What stands after `basalt`; the process's own if None.

    Returns:
        The exit code: 0 done, 64 wrong command or config, 65 bad data, 70 failed, 75 may pass if
        tried again, 137 out of memory, 143 interrupted.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is told to stop says so in its ledger
    try:
        colour = False if os.environ.get("NO_COLOR") else None
        code = typer.main.get_command(app).main(args=arguments, prog_name="basalt", standalone_mode=False, color=colour)
    except BasaltError as problem:
        return _told(problem)
    except KeyboardInterrupt:
        code = _SIGINT_EXIT
    except Exception as problem:  # noqa: BLE001 - the command line is one of three borders: nothing passes untold
        return _told_unexpected(problem)
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # the engine's own, which is no Exception
            raise
        return _told_unexpected(problem)
    if code == _SIGINT_EXIT:
        is_run = list(sys.argv[1:] if arguments is None else arguments)[:2] == ["pipeline", "run"]
        typer.echo("interrupted" + ("; outputs are as they were, --resume goes on from here" if is_run else ""), err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _told(problem: BasaltError) -> int:
    from basalt.core.cli.printing import print_error

    if _is_debugging():
        _print_traceback(problem)
    print_error(problem.what, where=problem.where, hint=problem.hint)
    return problem.exit_code


def _told_unexpected(problem: BaseException) -> int:
    from basalt.core.cli.printing import print_error

    if _is_usage_error(problem):
        return _told_usage(problem)
    if _is_debugging():
        _print_traceback(problem)
    if isinstance(problem, MemoryError):
        print_error("there is no more memory", hint="close other programs, or take a machine with more")
        return OUT_OF_MEMORY
    if isinstance(problem, OSError) and problem.errno in SYSTEM_TROUBLE:
        print_error(os.strerror(problem.errno), where=problem.filename, hint=SYSTEM_TROUBLE[problem.errno])
        return FAILURE
    hint = None if _is_debugging() else f"this is a bug of Basalt or of a plugin; see where it comes from: {DEBUG_VARIABLE}=1"
    print_error(f"{type(problem).__name__}: {problem}", hint=hint)
    return FAILURE


def _told_usage(problem: Any) -> int:
    from basalt.core.cli.printing import print_error

    if type(problem).__name__ == "NoArgsIsHelpError":  # a group was typed alone: its message is its help
        typer.echo(problem.format_message(), err=True)
    else:
        typed = problem.ctx.command_path if getattr(problem, "ctx", None) else "basalt"
        message = problem.format_message()
        missing = re.match(r"Missing option '(--\w+)'", message)  # a value typed alone is not said to be in the way
        print_error(message, hint=(f"write {missing[1]} and its value; " if missing else "") + f"see: {typed} --help")
    return USER_ERROR


def _is_usage_error(problem: BaseException) -> bool:
    """Whether Typer refuses what was typed; it has its own copy of Click, so the type has no public name."""
    return hasattr(problem, "show") and hasattr(problem, "exit_code")


def _is_debugging() -> bool:
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def _print_traceback(problem: BaseException) -> None:
    import traceback

    traceback.print_exception(problem, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
