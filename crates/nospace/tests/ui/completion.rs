//! Cause codes complete in real shells; a shell that is not installed is skipped with a message.

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

/// Completes in bash as its readline would.
const BASH: &str = r#"source "$1/nospace"
COMP_WORDS=(nospace explain "$2") COMP_CWORD=2 COMP_LINE="nospace explain $2" COMP_POINT=${#COMP_LINE}
_nospace nospace "$2" explain
printf '%s\n' "${COMPREPLY[@]}""#;

const FISH: &str = r#"source $argv[1]/nospace; complete -C "nospace explain $argv[2]""#;

/// Types into an interactive zsh on a terminal: only there its completion runs.
const ZSH: &str = r#"zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT='rea''dy> '; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word"
zpty -r shell output '*ready> *'
zpty -n -w shell "nospace explain $2"$'\t\t'
zpty -r shell output "*nospace explain $2*$3*"
print -r -- $output
zpty -d shell"#;

/// What `shell` says to `script` with the directory of its completion, the begun word and `last`; `None` without that shell.
fn complete(shell: &str, script: &str, file: &str, word: &str, last: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let made = Command::new(cargo_bin!("nospace"))
        .args(["completions", shell])
        .output();
    fs::write(directory.path().join(file), made.unwrap().stdout).unwrap();
    let programs = Path::new(cargo_bin!("nospace")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let mut command = Command::new("timeout");
    command.args(["20", shell]);
    match shell {
        "fish" => command.args(["--no-config", "-c", script]),
        "zsh" => command.args(["-f", "-c", script, shell]),
        _ => command.args(["--norc", "-c", script, shell]),
    };
    command.arg(directory.path()).args([word, last]);
    command.env_clear().env("PATH", path).env("TERM", "dumb");
    let output = command.env("HOME", directory.path()).output().unwrap();
    if output.status.code() == Some(127) {
        eprintln!("skipped: {shell} is missing; scripts/prepare test installs it");
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn cause_codes_complete_in_bash() {
    if let Some(said) = complete("bash", BASH, "nospace", "inotify-", "") {
        let words: Vec<&str> = said.split_whitespace().collect();
        assert_eq!(words, ["inotify-watches", "inotify-instances"]);
    }
}

#[test]
fn cause_codes_complete_in_fish() {
    if let Some(said) = complete("fish", FISH, "nospace", "inotify-", "") {
        let words: Vec<&str> = said.split_whitespace().collect();
        assert_eq!(words, ["inotify-instances", "inotify-watches"]);
    }
}

#[test]
fn cause_codes_complete_in_zsh() {
    if let Some(said) = complete("zsh", ZSH, "_nospace", "inotify-", "watches") {
        assert!(
            said.contains("inotify-instances  inotify-watches"),
            "{said}"
        );
    }
}
