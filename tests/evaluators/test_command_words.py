import os

import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.command_words import as_written, file_of, not_found, split_line, with_absolute_file


@pytest.mark.parametrize(
    ("end", "sign"),
    [
        ("> out.txt", ">"),
        (">out.txt", ">"),
        (">> out.txt", ">>"),
        ("< in.txt", "<"),
        ("| tee log", "|"),
        ("&& echo", "&&"),
        ("|| echo", "||"),
        ("; echo", ";"),
        ("--last; echo", ";"),
        ("&", "&"),
        ("2> err.txt", "2>"),
        ("2>&1", "2>"),
        ("&> all.txt", "&>"),
    ],
)
def test_what_only_a_shell_understands_is_refused(end, sign):
    with pytest.raises(InputError) as refused:
        split_line(f"sim {{x}} 'a > b' {end}")
    assert str(refused.value).startswith(f"the command has a {sign!r} that only a shell understands")
    assert "write sh -c '...'" in str(refused.value)


def test_a_shells_signs_in_quotes_and_within_words_are_passed_on():
    words = split_line(r"""find '>' "|" \; a>b x=1;y {x:>5} --text="a > b; c" '&' "~/x" """)
    assert words == ["find", ">", "|", ";", "a>b", "x=1;y", "{x:>5}", "--text=a > b; c", "&", "~/x"]


def test_the_home_folder_is_put_in_its_place(monkeypatch):
    monkeypatch.setenv("HOME", "/home/{me}")
    assert split_line("~/bin/sim {x} ~/in.dat a~/b '~/c'") == [
        "/home/{{me}}/bin/sim",
        "{x}",
        "/home/{{me}}/in.dat",
        "a~/b",
        "~/c",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  sim\t--x\n1 ", ["sim", "--x", "1"]),
        ("sim 'a b' \"c d\" e\\ f", ["sim", "a b", "c d", "e f"]),
        ("sim '' \"\"", ["sim", "", ""]),
        ("sim --name='a b'c", ["sim", "--name=a bc"]),
        (r"""sim "a \"b\" \\ $HOME" '\'""", ["sim", 'a "b" \\ $HOME', "\\"]),
        ("sim # no comment", ["sim", "#", "no", "comment"]),
        (r"sim a\;b \> \| \&", ["sim", "a;b", ">", "|", "&"]),
        ("sim http://host?a=1&b=2", ["sim", "http://host?a=1&b=2"]),
        ("sim ~ ~user/x", ["sim", "~", "~user/x"]),
        ("sim &input", ["sim", "&input"]),
    ],
)
def test_words_are_split_as_by_a_shell(line, words):
    assert split_line(line) == words


@pytest.mark.parametrize("line", ["sim 'open", 'sim "open', "sim \\"])
def test_quotes_that_do_not_close_are_an_error(line):
    with pytest.raises(ValueError, match="No "):
        split_line(line)


@pytest.mark.parametrize("line", ["cd run; sim", "sim 'a b';", "sim&", "sim 1>out", "sim <<<text", "sim\n&& echo"])
def test_operators_are_found_wherever_words_end(line):
    with pytest.raises(InputError, match="only a shell understands"):
        split_line(line)


@pytest.mark.parametrize(
    ("program", "is_shells"),
    [
        ("cd", True),
        ("source", True),
        (".", True),
        ("A=1", True),
        ("_x2=a b", True),
        ("sim", False),
        ("2A=1", False),
        ("./a=1", False),
    ],
)
def test_a_missing_program_is_told_apart_from_a_word_of_a_shell(program, is_shells):
    told = str(not_found(program))
    assert repr(program) in told
    assert ("a word of a shell's" in told) == is_shells
    assert ("was not found; give its path" in told) != is_shells


def test_a_text_is_shown_as_the_user_has_written_it():
    assert as_written(r"loss: (\S+)") == r"'loss: (\S+)'"
    assert as_written("a\x1b[2Jb").isprintable()


@pytest.mark.parametrize(
    ("word", "file"),
    [("a.in", "a.in"), ("--deck=a.in", "a.in"), ("-Dx=a=b", "a=b"), ("--flag", "--flag"), ("x=a.in", "x=a.in"), ("--deck=", "")],
)
def test_the_file_in_a_word_is_all_of_it_or_the_value_of_an_option(word, file):
    assert file_of(word) == file


@pytest.mark.parametrize(
    ("word", "absolute"),
    [
        ("data", "{}/data"),
        ("./data", "{}/data"),
        ("sub/data", "{}/sub/data"),
        ("--from=data", "--from={}/data"),
        ("--from=./data", "--from={}/data"),
        ("sub", "sub"),  # a folder
        ("none", "none"),
        ("--from=none", "--from=none"),
        ("--from=", "--from="),
        ("", ""),
        ("own.in", "own.in"),  # of the trial's folder
        ("./own.in", "./own.in"),
        ("--deck=sub/../own.in", "--deck=sub/../own.in"),
        ("sub/own.in", "{}/sub/own.in"),
    ],
)
def test_a_word_that_names_a_file_gets_its_absolute_name(tmp_path, word, absolute):
    (tmp_path / "sub").mkdir()
    for name in ("data", "own.in", "sub/data", "sub/own.in"):
        (tmp_path / name).touch()
    assert with_absolute_file(word, str(tmp_path), {"own.in"}) == absolute.format(tmp_path)


@pytest.mark.parametrize(
    ("word", "absolute"),
    [("sim", "sim"), ("./sim", "{}/sim"), ("bin/sim", "{}/bin/sim"), ("/bin/sh", "/bin/sh"), ("--a=sim", "--a=sim")],
)
def test_a_program_is_a_file_only_with_a_slash_whether_it_is_there_or_not(tmp_path, word, absolute):
    (tmp_path / "sim").touch()
    assert with_absolute_file(word, str(tmp_path), set(), is_program=True) == absolute.format(tmp_path)
    assert os.path.isabs(absolute.format(tmp_path)) == ("/" in word)
