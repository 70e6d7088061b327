//! What the packages bring: that the parts which name the same things do so alike. What an installation
//! does is tried on booted machines (tests/machine/package.rs).
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a panic is a failed test

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use fob_tests::needs::{self, Need};
use tempfile::TempDir;

const UNIT: &str = include_str!("../../packaging/systemd/fobd.service");
const SOCKET: &str = include_str!("../../packaging/systemd/fobd.socket");
const APPARMOR: &str = include_str!("../../packaging/apparmor/usr.sbin.fobd");
const CONTEXTS: &str = include_str!("../../packaging/selinux/fob.fc");
const POLICY: &str = include_str!("../../packaging/selinux/fob.te");
const RULES: &str = include_str!("../../packaging/deb/rules");
const SPEC: &str = include_str!("../../packaging/rpm/fob.spec");

/// The values of a setting of a unit.
fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let values: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    assert!(!values.is_empty(), "the unit has no {name}: this test sees nothing");
    values
}

/// The folders in which the unit lets fobd write, as systemd.exec(5) names them.
fn writable() -> Vec<String> {
    // Another way to let it write would have to be told here.
    for other in ["ReadWritePaths=", "BindPaths=", "LogsDirectory=", "CacheDirectory="] {
        assert!(!UNIT.lines().any(|line| line.starts_with(other)), "{other}");
    }
    let state = values(UNIT, "StateDirectory").into_iter().map(|name| format!("/var/lib/{name}"));
    let runtime = values(UNIT, "RuntimeDirectory").into_iter().map(|name| format!("/run/{name}"));
    state.chain(runtime).collect()
}

/// The profile's rules, without comments.
fn rules() -> Vec<String> {
    let lines = APPARMOR.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.map(|line| line.replace("@{run}", "/run")).collect()
}

// U10 of threats.md: what confines fobd must not refuse everybody.
#[test]
fn the_apparmor_profile_lets_fobd_write_where_its_unit_does() {
    let rules = rules();
    for folder in writable() {
        for rule in [format!("{folder}/ rw,"), format!("{folder}/** rwk,")] {
            assert!(rules.contains(&rule), "{rule}");
        }
    }
    let program = values(UNIT, "ExecStart")[0];
    assert!(rules.iter().any(|rule| rule.starts_with(&format!("profile fobd {program} "))));
    for socket in values(SOCKET, "ListenStream") {
        let ours = |rule: &String| rule.starts_with(socket) && rule.ends_with(" rwk,");
        assert!(rules.iter().any(ours), "{socket}");
    }
}

#[test]
fn the_apparmor_profile_and_the_selinux_policy_forbid_nothing_by_themselves() {
    let rules = rules();
    let head = rules.iter().find(|rule| rule.starts_with("profile ")).unwrap();
    assert!(head.contains("flags=(complain,"), "{head}");
    // In force in complain mode as well.
    let denies = rules.iter().find(|rule| rule.split_whitespace().any(|word| word == "deny"));
    assert_eq!(denies, None);
    assert!(POLICY.lines().any(|line| line == "permissive fobd_t;"));
    assert!(!POLICY.contains("neverallow"));
}

#[test]
fn the_selinux_policy_labels_what_fobd_writes_and_the_emergency_codes() {
    let labelled = |folder: &str| {
        let start = format!("{folder}(/.*)?\t");
        CONTEXTS.lines().any(|line| line.starts_with(&start))
    };
    for folder in writable() {
        assert!(labelled(&folder), "{folder}");
    }
    for socket in values(SOCKET, "ListenStream") {
        let folder = socket.rsplit_once('/').unwrap().0;
        assert!(labelled(folder), "{folder}");
    }
    assert!(labelled(fob_api::emergency::FOLDER));
}

/// What a package installs file by file: the source and the place, in the words of neither.
fn installed(recipe: &str, words: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let plain = |word: &str| {
        words.iter().fold(word.to_owned(), |word, (theirs, ours)| word.replace(theirs, ours))
    };
    let places = recipe.lines().map(str::trim).filter(|line| {
        ["install -D ", "place ", "$(PLACE) "].iter().any(|start| line.starts_with(start))
    });
    let pairs = places.filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [.., source, place] = words.as_slice() else { panic!("{line}") };
        // A loop's body: its head is compared below.
        (!source.starts_with("$page") && !source.contains("$file"))
            .then(|| (plain(source), plain(place)))
    });
    let groups = recipe.lines().filter_map(|line| line.trim().strip_prefix("install -m 0644 -t "));
    let grouped = groups.flat_map(|line| {
        let mut words = line.split_whitespace().map(plain);
        let folder = words.next().unwrap();
        words.map(move |source| (source, folder.clone()))
    });
    pairs.chain(grouped).collect()
}

#[test]
fn both_packages_install_the_same_files() {
    let mut deb = installed(
        RULES,
        &[
            ("$(BUILT)", "target/release"),
            ("$(SHIPPED)", "packaging"),
            ("$(ROOT)", ""),
            ("$(PAGE)", "PAGE"),
            ("debian/fob-cockpit/", "/"),
            ("/usr/lib/$(DEB_HOST_MULTIARCH)/security", "SECURITY"),
            ("/usr/share/zsh/vendor-completions", "/usr/share/zsh/site-functions"),
        ],
    );
    let mut rpm =
        installed(SPEC, &[("%{buildroot}", ""), ("%{security}", "SECURITY"), ("%{page}", "PAGE")]);
    // pam-auth-update is Debian's. The licence stands in Debian's file of copyrights.
    deb.retain(|(source, _)| !source.ends_with(".profile"));
    rpm.retain(|(source, _)| source != "LICENSE");
    assert!(deb.len() > 20, "{deb:?}");
    assert_eq!(deb, rpm);
    let names = |text: &str| -> BTreeSet<String> {
        let words = text.split([' ', ';']).filter(|word| word.contains('.'));
        words.map(|word| word.rsplit('/').next().unwrap().to_owned()).collect()
    };
    let line = |recipe: &'static str, start: &str| {
        recipe.lines().find_map(|line| line.trim().strip_prefix(start)).unwrap()
    };
    let mut docs = names(line(RULES, "dh_installdocs "));
    docs.extend(names(line(RULES, "dh_installchangelogs ")));
    assert_eq!(
        docs,
        names(line(SPEC, "for file in README.md "))
            .into_iter()
            .chain(["README.md".to_owned()])
            .collect()
    );
    assert!(line(RULES, "dh_installman ").ends_with("/man/*.[58] $(SHIPPED)/man/fobctl.1"));
    assert!(SPEC.contains("for page in packaging/man/*.[158]; do"));
}

/// What rpm and dpkg run before they remove the package for good, and with which word.
const PREUN: (&str, &str) = (include_str!("../../packaging/rpm/preun"), "0");
const PRERM: (&str, &str) = (include_str!("../../packaging/deb/prerm"), "remove");

/// Runs such a script where PAM's and sshd's files are those of a folder, and returns how it ended and
/// what it said. Nothing of this machine is in its reach.
fn removal(folder: &Path, (script, word): (&str, &str)) -> (Option<i32>, String) {
    fs::write(folder.join("script"), script).unwrap();
    let bind = |name: &str| folder.join(name).into_os_string();
    let output = Command::new("bwrap")
        .args([
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--tmpfs",
            "/run",
            "--tmpfs",
            "/var/lib",
            "--tmpfs",
            "/etc",
            "--bind",
        ])
        .args([bind("pam.d"), "/etc/pam.d".into(), "--bind".into(), bind("authselect")])
        .args(["/etc/authselect".into(), "--bind".into(), bind("sshd_config.d")])
        .args(["/etc/ssh/sshd_config.d".into(), "--bind".into(), bind("fob-enable")])
        .args(["/var/lib/fob-enable", "--bind"])
        .args([bind(""), "/mnt".into(), "--setenv".into(), "PATH".into()])
        .args(["/mnt/bin:/usr/bin:/bin", "sh", "/mnt/script", word])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A folder of PAM's and of authselect's, and programs that stand in for those of a host with RPMs.
fn redhat(selected: &str) -> Option<TempDir> {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return None;
    }
    let folder = TempDir::new().unwrap();
    for name in ["pam.d", "authselect", "bin", "sshd_config.d", "fob-enable"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let program = |name: &str, text: &str| {
        let file = folder.path().join("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    };
    program("systemctl", "echo \"$*\" >>/mnt/systemctl");
    for name in ["pam-auth-update", "deb-systemd-invoke"] {
        program(name, "echo \"$*\" >>/mnt/taken");
    }
    program(
        "authselect",
        &format!(
            "case $1 in
             current) echo {selected} ;;
             disable-feature) echo out >>/mnt/taken; sed -i /pam_fob/d /etc/authselect/system-auth ;;
             esac"
        ),
    );
    let stack = "auth required pam_unix.so\nauth required pam_fob.so\n";
    fs::write(folder.path().join("authselect/system-auth"), stack).unwrap();
    symlink("/etc/authselect/system-auth", folder.path().join("pam.d/system-auth")).unwrap();
    Some(folder)
}

// U2 of threats.md.
#[test]
fn the_rpm_is_not_removed_while_a_line_of_pam_names_the_module() {
    let own = "# pam_fob.so\nauth required pam_fob.so\n";
    for (selected, named) in [
        ("fob with-fob with-faillock", vec!["/etc/pam.d/own:2:"]),
        // Not our feature: somebody wrote that line.
        ("sssd with-fob-not", vec!["/etc/pam.d/own:2:", "/etc/pam.d/system-auth:2:"]),
        ("fob with-fob-nullok", vec!["/etc/pam.d/own:2:", "/etc/pam.d/system-auth:2:"]),
    ] {
        let Some(folder) = redhat(selected) else { return };
        fs::write(folder.path().join("pam.d/own"), own).unwrap();
        fs::write(folder.path().join("pam.d/own.rpmsave"), own).unwrap();
        let (code, said) = removal(folder.path(), PREUN);
        assert_eq!(code, Some(1), "{said}");
        assert_eq!(said.matches("/etc/pam.d/").count(), named.len(), "{said}");
        assert!(named.iter().all(|line| said.contains(line)), "{said}");
        for left in ["systemctl", "taken"] {
            assert!(!folder.path().join(left).exists(), "something was changed: {left}");
        }
    }
}

// U2: grep says nothing of a line that it takes for binary.
#[test]
fn a_comment_of_another_encoding_hides_no_line_of_pam_from_a_removal() {
    for script in [PREUN, PRERM] {
        let Some(folder) = redhat("sssd") else { return };
        fs::remove_file(folder.path().join("pam.d/system-auth")).unwrap();
        let line = b"auth required pam_fob.so # f\xfcr alle\n";
        fs::write(folder.path().join("pam.d/own"), line).unwrap();
        let (code, said) = removal(folder.path(), script);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("/etc/pam.d/own:1:auth required pam_fob.so"), "{said}");
        assert!(!folder.path().join("taken").exists(), "something was changed");
    }
}

#[test]
fn no_package_is_removed_while_a_change_waits_or_sshd_goes_by_its_settings() {
    let head = "# Written by \"fobctl enable\"; \"fobctl disable sshd\" takes it out.";
    for script in [PREUN, PRERM] {
        let Some(folder) = redhat("fob with-fob") else { return };
        let (pending, settings) = (
            folder.path().join("fob-enable/pending"),
            folder.path().join("sshd_config.d/10-fob.conf"),
        );
        fs::write(&pending, "{}").unwrap();
        let (code, said) = removal(folder.path(), script);
        assert!(
            said.starts_with("fob: it is not removed: a change by \"fobctl enable\" waits ")
                && said.contains("\nhint: run \"fobctl confirm\", or "),
            "{said}"
        );
        assert_eq!(code, Some(1));
        fs::remove_file(pending).unwrap();
        fs::write(&settings, format!("{head}\nUsePAM yes\n")).unwrap();
        let (code, said) = removal(folder.path(), script);
        assert!(said.contains(&format!("10-fob.conf:1:{head}\n")), "{said}");
        assert_eq!(code, Some(1));
        for left in ["systemctl", "taken"] {
            assert!(!folder.path().join(left).exists(), "something was changed: {left}");
        }
        // Somebody else's settings are none of its business.
        fs::write(settings, "UsePAM yes\n").unwrap();
        fs::remove_file(folder.path().join("pam.d/system-auth")).unwrap();
        let (code, said) = removal(folder.path(), script);
        assert_eq!(code, Some(0), "{said}");
    }
}

// U6. A new layout needs the version that brings it, and a new number here.
#[test]
fn the_package_knows_since_when_its_layout_of_the_database_is_read() {
    let since = PRERM.0.lines().find_map(|line| line.strip_prefix("reads_since="));
    assert_eq!((fobd::record::SCHEMA, since), (4, Some("0.1.0")));
    assert!(PRERM.0.contains(&format!("of layout {} ", fobd::record::SCHEMA)));
}

// U1.
#[test]
fn the_rpm_takes_authselects_feature_out_before_the_daemon_is_stopped() {
    for selected in ["fob with-fob", "fob with-faillock with-fob with-fob-nullok"] {
        let Some(folder) = redhat(selected) else { return };
        let (code, said) = removal(folder.path(), PREUN);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("nobody is asked for a code any more"), "{said}");
        assert!(folder.path().join("taken").exists() && folder.path().join("systemctl").exists());
    }
}

#[test]
fn the_rpm_deletes_no_token() {
    for script in [
        include_str!("../../packaging/rpm/preun"),
        include_str!("../../packaging/rpm/postun"),
        SPEC,
    ] {
        assert!(!script.contains("rm "), "{script}");
    }
    assert!(!SPEC.contains("/var/lib"), "rpm would own, and remove, what it has installed there");
}
