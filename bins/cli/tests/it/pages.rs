//! Man pages and completions.

use meshhook_testkit::tools;

use crate::words::meshhook;

#[test]
fn each_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    meshhook().args(["man", "--out"]).arg(folder.path()).assert().success().stdout("").stderr("");
    let pages: Vec<_> =
        std::fs::read_dir(folder.path().join("man1")).unwrap().map(|page| page.unwrap()).collect();
    let names: Vec<_> = pages.iter().map(|page| page.file_name().into_string().unwrap()).collect();
    for name in ["meshhook.1", "meshhook-post.1", "meshhook-verify.1", "meshhook-deliveries-list.1"] {
        assert!(names.iter().any(|have| have == name), "{name} is not among {names:?}");
    }
    assert!(
        !names
            .iter()
            .any(|name| ["meshhook-man.1", "meshhook-completions.1", "meshhook-help.1"]
                .contains(&name.as_str())),
        "{names:?}"
    );
    for page in pages {
        assert!(tools::man(&page.path()).contains("meshhook"));
    }
    let top = tools::man(&folder.path().join("man1/meshhook.1"));
    for word in ["deliveries", "78"] {
        assert!(top.contains(word), "{word} is not in {top}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = meshhook().args(["man", "--out"]).arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("hint: "), "{said}");
}

#[test]
fn shells_read_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let output = meshhook().args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        tools::parses(shell, &output.stdout);
        assert!(String::from_utf8(output.stdout).unwrap().contains("deliveries"), "{shell}");
    }
}
