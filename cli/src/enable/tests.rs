//! Plans on hosts in a temporary folder, and what is left of them wherever they are cut off.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use nix::unistd::Uid;
use tempfile::TempDir;

use super::{
    DROP_IN, Flaw, Outcome, Pending, Plan, Session, Store, Tree, Who, With, disabling, enabling,
    revert, rows, table::By,
};
use crate::{doctor::Ground, failure::EnableTrouble};

const SUDO: &str = "#%PAM-1.0\n\n@include common-auth\n@include common-account\n";
const SSHD: &str = "# PAM configuration\n@include common-auth\naccount required pam_nologin.so\n";

/// A host in a folder.
struct Host(TempDir);

impl Host {
    /// Debian, before anything is enabled.
    fn debian() -> Self {
        let host = Self(TempDir::new().unwrap());
        host.file("/etc/pam.d/common-auth", "auth required pam_unix.so\n");
        host.file("/etc/pam.d/common-account", "account required pam_unix.so\n");
        host.file("/etc/pam.d/sshd", SSHD);
        host.file("/etc/pam.d/sudo", SUDO);
        host.file("/etc/pam.d/sudo-i", SUDO);
        host.file("/etc/pam.d/su", "auth sufficient pam_rootok.so\n@include common-auth\n");
        host.file("/etc/pam.d/su-l", "auth include su\n");
        host.file("/usr/lib/pam.d/polkit-1", SUDO);
        host.file("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n");
        fs::create_dir(host.path("/etc/ssh/sshd_config.d")).unwrap();
        fs::create_dir_all(host.path("/var/lib")).unwrap();
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn file(&self, path: &str, text: &str) {
        let place = self.path(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn ground(&self) -> Ground {
        Ground::below(self.0.path(), Uid::effective().as_raw())
    }

    fn tree(&self) -> Tree {
        Tree::below(self.0.path())
    }

    fn store(&self) -> Store {
        Store::below(self.0.path(), Uid::effective().as_raw())
    }

    fn enabling(&self, services: &[&str], with: Option<With>) -> Result<Plan, EnableTrouble> {
        let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
        enabling(&self.ground(), &self.tree(), &services, (with, &Who::AsBefore))
    }

    fn disabling(&self, services: &[&str]) -> Plan {
        let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
        disabling(&self.tree(), &services).unwrap()
    }

    fn write(&self, plan: &Plan) {
        for change in &plan.changes {
            self.tree().write(&change.path, change.after.as_deref()).unwrap();
        }
    }

    /// All files of PAM and sshd.
    fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, files);
                } else {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.path("/etc"), &mut files);
        files
    }
}

fn paths(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.path.as_str()).collect()
}

fn pending(plan: &Plan) -> Pending {
    let services = plan.services.iter().map(|(service, _)| service.clone()).collect();
    let (files, sessions) = (Vec::new(), vec![Session::default(), Session::own()]);
    let (seq, newest) = (Some(7), Some(3));
    let mut pending = Pending { time: 1000, services, files, sessions, newest, seq };
    plan.changes.iter().for_each(|change| pending.add(change));
    pending
}

#[test]
fn sshds_settings_come_before_its_file_of_pam_and_go_behind_it() {
    let host = Host::debian();
    let plan = host.enabling(&["sshd"], Some(With::PublicKey)).unwrap();
    assert_eq!(paths(&plan), [DROP_IN, "/etc/pam.d/sshd"]);
    assert_eq!(plan.sshd(), Some(With::PublicKey));
    host.write(&plan);
    assert_eq!(paths(&host.disabling(&["sshd"])), ["/etc/pam.d/sshd", DROP_IN]);
}

#[test]
fn enabling_twice_changes_nothing_and_a_way_that_is_not_named_stays() {
    let host = Host::debian();
    host.write(&host.enabling(&["sshd", "sudo"], Some(With::PublicKey)).unwrap());
    for with in [Some(With::PublicKey), None] {
        let again = host.enabling(&["sshd", "sudo"], with).unwrap();
        assert_eq!(paths(&again), [""; 0], "{again:?}");
        assert_eq!(again.notes.len(), 4, "{again:?}");
    }
    let other = host.enabling(&["sshd"], Some(With::Password)).unwrap();
    assert_eq!(paths(&other), [DROP_IN, "/etc/pam.d/sshd"]);
}

#[test]
fn disabling_leaves_every_file_as_it_was() {
    let host = Host::debian();
    let before = host.snapshot();
    host.write(&host.enabling(&["sshd", "sudo", "su", "polkit-1"], None).unwrap());
    assert_ne!(host.snapshot(), before);
    host.write(&host.disabling(&["sshd", "sudo", "su", "polkit-1"]));
    assert_eq!(host.snapshot(), before);
    assert_eq!(paths(&host.disabling(&["sshd", "sudo"])), [""; 0]);
}

#[test]
fn sudo_brings_sudo_i_and_what_takes_another_services_lines_is_left() {
    let host = Host::debian();
    let plan = host.enabling(&["sudo", "su"], None).unwrap();
    assert_eq!(paths(&plan), ["/etc/pam.d/sudo", "/etc/pam.d/sudo-i", "/etc/pam.d/su"]);
    assert_eq!(plan.notes, ["su-l asks for the code already, by /etc/pam.d/su."]);
    host.write(&plan);
    let again = host.enabling(&["su-l"], None).unwrap();
    assert_eq!(again.notes, ["su-l asks for the code already, by /etc/pam.d/su:4."]);
}

#[test]
fn a_twin_of_the_distribution_is_copied_and_goes_again() {
    let host = Host::debian();
    fs::remove_file(host.path("/etc/pam.d/sudo-i")).unwrap();
    host.file("/usr/lib/pam.d/sudo-i", SUDO);
    let plan = host.enabling(&["sudo"], None).unwrap();
    assert_eq!(paths(&plan), ["/etc/pam.d/sudo", "/etc/pam.d/sudo-i"]);
    host.write(&plan);
    host.write(&host.disabling(&["sudo"]));
    assert!(!host.path("/etc/pam.d/sudo-i").exists());
    assert_eq!(host.disabling(&["sudo"]).named, ["sudo"]);
}

#[test]
fn where_all_services_ask_already_only_sshds_settings_are_changed() {
    let host = Host::debian();
    host.file("/etc/pam.d/common-auth", "auth required pam_unix.so\nauth required pam_fob.so\n");
    let plan = host.enabling(&["sudo", "sshd"], None).unwrap();
    assert_eq!(paths(&plan), [DROP_IN]);
    assert!(plan.notes[0].ends_with("already, by /etc/pam.d/common-auth:2."), "{plan:?}");
    assert_eq!(plan.services, [("sshd".to_owned(), With::Password)]);
    // Behind a key the password's file is not taken in any more.
    let plan = host.enabling(&["sshd"], Some(With::PublicKey)).unwrap();
    assert_eq!(paths(&plan), [DROP_IN, "/etc/pam.d/sshd"]);
}

#[test]
fn a_line_elsewhere_that_need_not_refuse_is_not_told_as_asking() {
    for line in ["optional", "sufficient", "[success=ok default=ignore]"] {
        let host = Host::debian();
        let common = format!("auth required pam_unix.so\nauth {line} pam_fob.so\n");
        host.file("/etc/pam.d/common-auth", &common);
        let plan = host.enabling(&["sudo"], None).unwrap();
        let note =
            "sudo has pam_fob.so already, by /etc/pam.d/common-auth:2, which need not refuse.";
        assert_eq!((paths(&plan), plan.notes[0].as_str()), (vec![], note), "{line}");
    }
}

#[test]
fn a_file_of_the_distribution_is_copied_and_not_changed() {
    let host = Host::debian();
    let plan = host.enabling(&["polkit-1"], None).unwrap();
    assert_eq!((paths(&plan), &plan.changes[0].before), (vec!["/etc/pam.d/polkit-1"], &None));
    host.write(&plan);
    assert!(host.text("/etc/pam.d/polkit-1").contains("pam_fob.so"));
    assert_eq!(host.text("/usr/lib/pam.d/polkit-1"), SUDO);
    host.write(&host.disabling(&["polkit-1"]));
    assert!(!host.path("/etc/pam.d/polkit-1").exists());
}

#[test]
fn what_is_no_service_and_what_is_no_file_is_refused() {
    let host = Host::debian();
    for name in ["nobody", "", "../shadow", ".sudo", "/etc/pam.d/sudo"] {
        let refused = host.enabling(&[name], None);
        assert!(matches!(refused, Err(EnableTrouble::NoService { .. })), "{name}: {refused:?}");
    }
    std::os::unix::fs::symlink("sudo", host.path("/etc/pam.d/linked")).unwrap();
    let refused = host.enabling(&["sudo", "linked"], None);
    assert!(matches!(refused, Err(EnableTrouble::Unreadable { .. })), "{refused:?}");
    let refused = host.enabling(&["sudo"], Some(With::PublicKey));
    assert!(matches!(refused, Err(EnableTrouble::NoKey)), "{refused:?}");
}

#[test]
fn a_line_of_somebody_elses_hand_is_named() {
    let host = Host::debian();
    host.file("/etc/pam.d/sudo", &format!("{SUDO}auth required pam_fob.so\n"));
    let Err(EnableTrouble::Flaw { file, flaw }) = host.enabling(&["sudo"], None) else {
        panic!("it was taken");
    };
    assert_eq!((file.as_str(), flaw), ("/etc/pam.d/sudo", Flaw::HandMade(5)));
    let rows = rows(&host.ground(), None, 0);
    let sudo = rows.iter().find(|row| row.service == "sudo").unwrap();
    assert_eq!((sudo.by, sudo.with), (Some(By::Hand), None));
}

#[test]
fn settings_of_somebody_elses_hand_stay() {
    let host = Host::debian();
    host.file(DROP_IN, "AuthenticationMethods publickey,keyboard-interactive:pam\n");
    let plan = host.enabling(&["sshd"], Some(With::PublicKey)).unwrap();
    assert_eq!(paths(&plan), ["/etc/pam.d/sshd"]);
    assert!(plan.notes[0].contains("is not of fobctl"), "{plan:?}");
}

#[test]
fn wherever_it_is_cut_off_the_revert_restores_every_byte() {
    let host = Host::debian();
    host.file("/etc/pam.d/sudo", "# \u{e4} no line end\n@include common-auth");
    fs::write(host.path("/etc/pam.d/su"), b"# \xff\xfe\n@include common-auth\n").unwrap();
    let before = host.snapshot();
    let plan = host.enabling(&["sshd", "sudo", "su", "polkit-1"], Some(With::PublicKey)).unwrap();
    assert_eq!(plan.changes.len(), 6);
    for cut in 0..=plan.changes.len() {
        host.store().lock().unwrap().save(Some(&pending(&plan))).unwrap();
        let done = &plan.changes[..cut];
        for change in done {
            host.tree().write(&change.path, change.after.as_deref()).unwrap();
        }
        // Half of the next one, as a kill leaves it.
        if let Some(next) = plan.changes.get(cut) {
            let place = host.path(&next.path);
            let name = format!(".{}.fob", place.file_name().unwrap().to_str().unwrap());
            fs::write(place.with_file_name(name), "auth requ").unwrap();
        }
        let kept = host.store().look().unwrap().unwrap();
        assert_eq!(kept, pending(&plan));
        for (path, outcome) in revert(&host.tree(), &kept) {
            assert!(matches!(outcome, Outcome::Restored), "{path}: {outcome:?}");
        }
        assert_eq!(host.snapshot(), before, "cut behind {cut}");
        // A revert that is cut off is run again.
        assert!(revert(&host.tree(), &kept).iter().all(|(_, o)| matches!(o, Outcome::Restored)));
        assert_eq!(host.snapshot(), before);
    }
}

#[test]
fn a_file_that_the_disk_does_not_take_back_is_told_from_one_that_is_left_to_a_person() {
    let host = Host::debian();
    let plan = host.enabling(&["sudo", "su"], None).unwrap();
    host.write(&plan);
    // Nothing can be written in the place of the first, and the second is a link now.
    fs::create_dir(host.path("/etc/pam.d/.sudo.fob")).unwrap();
    fs::remove_file(host.path("/etc/pam.d/su")).unwrap();
    std::os::unix::fs::symlink("sudo", host.path("/etc/pam.d/su")).unwrap();
    for (path, outcome) in revert(&host.tree(), &pending(&plan)) {
        match path.as_str() {
            "/etc/pam.d/sudo" => assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}"),
            "/etc/pam.d/su" => assert!(matches!(outcome, Outcome::Left(_)), "{outcome:?}"),
            _ => assert!(matches!(outcome, Outcome::Restored), "{path}: {outcome:?}"),
        }
    }
    fs::remove_dir(host.path("/etc/pam.d/.sudo.fob")).unwrap();
    let again = revert(&host.tree(), &pending(&plan));
    let sudo = again.iter().find(|(path, _)| path == "/etc/pam.d/sudo");
    assert!(matches!(sudo, Some((_, Outcome::Restored))), "{again:?}");
}

#[test]
fn a_revert_that_is_cut_off_goes_on() {
    let host = Host::debian();
    let before = host.snapshot();
    let plan = host.enabling(&["sshd", "sudo"], None).unwrap();
    for cut in 0..=plan.changes.len() {
        host.write(&plan);
        for change in plan.changes.iter().rev().take(cut) {
            host.tree().write(&change.path, change.before.as_deref()).unwrap();
        }
        revert(&host.tree(), &pending(&plan));
        assert_eq!(host.snapshot(), before, "cut behind {cut}");
    }
}

#[test]
fn two_changes_go_back_to_what_was_before_the_first() {
    let host = Host::debian();
    let before = host.snapshot();
    let first = host.enabling(&["sshd"], Some(With::PublicKey)).unwrap();
    host.write(&first);
    let mut both = pending(&first);
    let second = host.enabling(&["sshd", "sudo"], Some(With::Password)).unwrap();
    host.write(&second);
    second.changes.iter().for_each(|change| both.add(change));
    assert_eq!(both.files.len(), 4);
    revert(&host.tree(), &both);
    assert_eq!(host.snapshot(), before);
}

#[test]
fn an_edit_between_two_changes_stays() {
    let host = Host::debian();
    let first = host.enabling(&["sshd"], None).unwrap();
    host.write(&first);
    let mut both = pending(&first);
    let access = "account required pam_access.so\n";
    host.file("/etc/pam.d/sshd", &(host.text("/etc/pam.d/sshd") + access));
    host.file(DROP_IN, &(host.text(DROP_IN) + "MaxAuthTries 3\n"));
    let second = host.enabling(&["sshd"], Some(With::PublicKey)).unwrap();
    second.changes.iter().for_each(|change| both.add(change));
    host.write(&second);
    for (path, outcome) in revert(&host.tree(), &both) {
        assert!(matches!(outcome, Outcome::Restored), "{path}: {outcome:?}");
    }
    assert_eq!(host.text("/etc/pam.d/sshd"), format!("{SSHD}{access}"));
    assert_eq!(host.text(DROP_IN), "MaxAuthTries 3\n");
}

#[test]
fn what_is_kept_is_for_root_alone_and_a_broken_file_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::debian();
    let store = host.store();
    assert!(store.look().unwrap().is_none());
    let plan = host.enabling(&["sudo"], None).unwrap();
    let locked = store.lock().unwrap();
    // What a run that was killed has left.
    fs::write(host.path("/var/lib/fob-enable/pending.new"), "{").unwrap();
    locked.save(Some(&pending(&plan))).unwrap();
    for (path, mode) in [("", 0o700), ("/pending", 0o600), ("/lock", 0o600)] {
        let place = host.path(&format!("/var/lib/fob-enable{path}"));
        assert_eq!(fs::metadata(place).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
    locked.save(None).unwrap();
    locked.save(None).unwrap();
    assert!(store.look().unwrap().is_none());
    drop(locked);
    host.file("/var/lib/fob-enable/pending", "{\"version\":2}");
    assert!(store.lock().unwrap().load().is_err());
    let folder = host.path("/var/lib/fob-enable");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(store.lock().is_err());
}

#[test]
fn the_table_says_what_is_asked_by_whose_hand_and_for_how_long() {
    let host = Host::debian();
    host.file(
        "/etc/pam.d/common-auth",
        "# here are the per-package modules (the \"Primary\" block)\nauth required pam_unix.so\n\
         # end of pam-auth-update config\n",
    );
    let plan = host.enabling(&["sshd"], Some(With::PublicKey)).unwrap();
    host.write(&plan);
    let of = |service: &str| {
        let rows = rows(&host.ground(), Some(&pending(&plan)), 1100);
        let row = rows.into_iter().find(|row| row.service == service).unwrap();
        (row.by, row.with, row.left)
    };
    assert_eq!(of("sshd"), (Some(By::Fobctl), Some(With::PublicKey), Some(500)));
    assert_eq!(of("sudo"), (None, None, None));
    let common =
        host.text("/etc/pam.d/common-auth").replace("# end", "auth required pam_fob.so\n# end");
    host.file("/etc/pam.d/common-auth", &common);
    assert_eq!(of("sudo"), (Some(By::PamAuthUpdate), None, None));
    assert!(!rows(&host.ground(), None, 0).iter().any(|row| row.service == "common-auth"));
}

mod who;
