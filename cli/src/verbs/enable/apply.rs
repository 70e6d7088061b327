//! Writes a plan, and takes it back if it is not good.

use std::path::Path;

use super::{Host, Plan, Session, proof, systemd};
use crate::{
    connect::{Patience, daemon},
    enable::{Change, DROP_IN, Locked, Pending, RULES, Saved},
    failure::{EnableTrouble, Failure, remark},
    render,
};

/// One run of a plan.
pub(super) struct Run<'a> {
    pub(super) host: &'a Host,
    pub(super) plan: &'a Plan,
}

impl Run<'_> {
    /// Puts the plan in force, to be confirmed. What was there before is on the disk, and the time
    /// runs, before the first file is written.
    pub(super) async fn until_confirmed(self, time: u64, session: Session) -> Result<(), Failure> {
        let locked = self.lock()?;
        systemd::arm().map_err(EnableTrouble::Systemd)?;
        let (before, mut pending) = self.begin(&locked, time, session)?;
        let ended = match self.write_and_prove().await {
            Ok(()) => newest_line().await,
            Err(failure) => Err(failure),
        };
        match ended {
            Ok(seq) => {
                pending.seq = Some(seq);
                pending.newest = Session::newest(Path::new("/proc"));
                Ok(self.save(&locked, Some(&pending))?)
            }
            Err(failure) => {
                self.undo(&locked, before.as_ref())?;
                Err(failure)
            }
        }
    }

    /// Puts the plan in force for good. While it is written, what was before is kept all the same.
    /// Over a change that waits it could not last: that one's files are kept, and would come back.
    pub(super) async fn for_good(self, time: u64, session: Session) -> Result<(), Failure> {
        let locked = self.lock()?;
        if locked.load().map_err(EnableTrouble::NotRead)?.is_some() {
            return Err(EnableTrouble::Waits.into());
        }
        arm_where_it_runs();
        let (before, _) = self.begin(&locked, time, session)?;
        match self.write_and_prove().await {
            Ok(()) => self.settle(&locked, None),
            Err(failure) => {
                self.undo(&locked, before.as_ref())?;
                Err(failure)
            }
        }
    }

    /// Writes down what is there before anything is changed, and returns what waited already.
    fn begin(
        &self,
        locked: &Locked,
        time: u64,
        session: Session,
    ) -> Result<(Option<Pending>, Pending), Failure> {
        let (before, pending) = self.planned(locked, time, session)?;
        self.save(locked, Some(&pending))?;
        Ok((before, pending))
    }

    /// Returns what waited already, and what waits with this plan. Refuses a plan of files that are
    /// others now: taking it back would bring those back.
    fn planned(
        &self,
        locked: &Locked,
        time: u64,
        session: Session,
    ) -> Result<(Option<Pending>, Pending), Failure> {
        for change in &self.plan.changes {
            self.is_still(change)?;
        }
        let before = locked.load().map_err(EnableTrouble::NotRead)?;
        let waited = before.clone();
        let waited = waited.map(|before| (before.services, before.files, before.sessions));
        let (services, files, mut sessions) = waited.unwrap_or_default();
        sessions.push(session);
        let mut pending = Pending { time, services, files, sessions, newest: None, seq: None };
        self.plan.changes.iter().for_each(|change| pending.add(change));
        for service in &self.plan.named {
            if !pending.services.contains(service) {
                pending.services.push(service.clone());
            }
        }
        Ok((before, pending))
    }

    /// Takes everything back. What cannot be written now is still kept, for the timer or the next
    /// start of the host.
    fn undo(&self, locked: &Locked, before: Option<&Pending>) -> Result<(), Failure> {
        self.take_back()?;
        self.settle(locked, before)
    }

    async fn write_and_prove(&self) -> Result<(), Failure> {
        self.write_rules().await?;
        let is_settings = |change: &&Change| change.path == DROP_IN;
        self.write(self.plan.changes.iter().filter(is_settings))?;
        if let Some(with) = self.plan.sshd().filter(|_| self.host.ground.has(SSHD_CONFIG)) {
            proof::of_sshd(self.host, with)?;
            self.reload()?;
        }
        let is_of_pam = |change: &&Change| !is_settings(change) && change.path != RULES;
        self.write(self.plan.changes.iter().filter(is_of_pam))?;
        proof::of_services(self.host, self.plan).await?;
        Ok(())
    }

    /// Writes fobd's rules, when it has said that it would start with them, and has it go by them.
    async fn write_rules(&self) -> Result<(), Failure> {
        let is_rules = |change: &&Change| change.path == RULES;
        let Some(change) = self.plan.changes.iter().find(is_rules) else { return Ok(()) };
        self.is_still(change)?;
        if let Some(bytes) = &change.after {
            let disk = |error| EnableTrouble::Disk { path: RULES.to_owned(), error };
            let staged = self.host.tree.stage(RULES, bytes).map_err(disk)?;
            let asked = proof::of_rules(Some(&staged));
            self.host.tree.sweep(RULES).map_err(disk)?;
            asked?;
        }
        self.write(std::iter::once(change))?;
        systemd::restart_fobd().map_err(EnableTrouble::Systemd)?;
        if self.plan.exempts {
            proof::of_exemption().await?;
        }
        Ok(())
    }

    /// Takes the lines out; nothing has to be confirmed then. A run that is killed before its end is
    /// taken back.
    pub(super) fn take_out(self, time: u64, session: Session) -> Result<(), Failure> {
        let locked = self.lock()?;
        arm_where_it_runs();
        let (before, pending) = self.planned(&locked, time, session)?;
        // A disk that is full is no reason to go on asking for codes.
        if let Err(trouble) = self.save(&locked, Some(&pending)) {
            remark(&trouble.to_string());
        }
        let ended = self.write(self.plan.changes.iter()).and_then(|()| match self.touches_sshd() {
            true => proof::starts().and_then(|()| self.reload()),
            false => Ok(()),
        });
        if let Err(trouble) = ended {
            self.undo(&locked, before.as_ref())?;
            return Err(trouble.into());
        }
        self.forget_rules();
        let left = before.map(|pending| self.left(pending, time));
        self.settle(&locked, left.filter(|left| !left.files.is_empty()).as_ref())
    }

    /// Tells whether one of the services waits for its confirmation.
    pub(super) fn is_waited_for(&self) -> Result<bool, EnableTrouble> {
        let pending = self.host.store.look().map_err(EnableTrouble::NotRead)?;
        let waits = |pending: Pending| {
            pending.services.iter().any(|service| self.plan.named.contains(service))
        };
        Ok(pending.is_some_and(waits))
    }

    /// Returns what waits behind a removal: nothing of its services, and no file that is as it was
    /// before the change, as a run leaves it that is killed before it writes.
    fn left(&self, mut pending: Pending, time: u64) -> Pending {
        let is_out = |saved: &&Saved| {
            // What sshd goes by may be another text than its file's: the revert sees to that.
            let may_be_in_force = saved.path == DROP_IN && systemd::is_running();
            let is_back = || self.reads(&saved.path, saved.before.as_ref()).unwrap_or(false);
            self.plan.changes.iter().any(|change| change.path == saved.path)
                || (!may_be_in_force && is_back())
        };
        let out: Vec<String> =
            pending.files.iter().filter(is_out).map(|saved| saved.path.clone()).collect();
        pending.remove(&self.plan.named, &out);
        pending.time = time; // the ten minutes have begun anew
        pending
    }

    /// Writes down what still waits, and stops the ten minutes if nothing does.
    fn settle(&self, locked: &Locked, left: Option<&Pending>) -> Result<(), Failure> {
        self.save(locked, left)?;
        if left.is_none() && systemd::is_running() {
            let _ = systemd::disarm(); // it would find nothing to take back
        }
        Ok(())
    }

    fn lock(&self) -> Result<Locked, EnableTrouble> {
        self.host
            .store
            .lock()
            .map_err(|error| EnableTrouble::Disk { path: FOLDER.to_owned(), error })
    }

    fn save(&self, locked: &Locked, pending: Option<&Pending>) -> Result<(), EnableTrouble> {
        let disk = |error| EnableTrouble::Disk { path: FOLDER.to_owned(), error };
        locked.save(pending).map_err(disk)
    }

    /// Writes the files, if they are still those that were shown.
    fn write<'c>(&self, changes: impl Iterator<Item = &'c Change>) -> Result<(), EnableTrouble> {
        for change @ Change { path, after, .. } in changes {
            self.is_still(change)?;
            let disk = |error| EnableTrouble::Disk { path: path.clone(), error };
            self.host.tree.write(path, after.as_deref()).map_err(disk)?;
        }
        Ok(())
    }

    /// Refuses, if a file is not the one that was shown.
    fn is_still(&self, Change { path, before, .. }: &Change) -> Result<(), EnableTrouble> {
        match self.reads(path, before.as_ref())? {
            true => Ok(()),
            false => Err(EnableTrouble::Changed { path: path.clone() }),
        }
    }

    /// Tells whether this is what is in a file; `None` if it is not there.
    fn reads(&self, path: &str, text: Option<&Vec<u8>>) -> Result<bool, EnableTrouble> {
        let read = self.host.tree.read(path);
        let read = read.map_err(|why| EnableTrouble::Unreadable { path: path.to_owned(), why })?;
        Ok(read.as_ref() == text)
    }

    /// Puts back what was written; a file that somebody has changed meanwhile is left.
    fn take_back(&self) -> Result<(), EnableTrouble> {
        let mut ended = Ok(());
        for Change { path, before, after } in self.plan.changes.iter().rev() {
            let present = self.host.tree.read(path).ok();
            if present.is_some_and(|present| present == *after)
                && let Err(error) = self.host.tree.write(path, before.as_deref())
            {
                ended = Err(EnableTrouble::Disk { path: path.clone(), error });
            }
        }
        let _ = self.reload(); // what was wrong is told already
        if self.plan.touches(RULES) && systemd::is_running() {
            let _ = systemd::restart_fobd();
        }
        ended
    }

    /// Lets fobd forget the rules that were taken out. Without a line of PAM they say nothing, so it is
    /// no trouble if it does not.
    fn forget_rules(&self) {
        if !self.plan.touches(RULES) {
            return;
        }
        let ended = match systemd::is_running() {
            true => proof::of_rules(None)
                .map_err(|trouble| trouble.to_string())
                .and_then(|()| systemd::restart_fobd()),
            false => Err("no systemd runs here.".to_owned()),
        };
        if let Err(why) = ended {
            let told = format!("fobd goes by its old rules until it is started anew: {why}");
            remark(&render::printable(&told));
        }
    }

    fn touches_sshd(&self) -> bool {
        self.plan.touches(DROP_IN)
    }

    fn reload(&self) -> Result<(), EnableTrouble> {
        match self.touches_sshd() && systemd::is_running() {
            true => systemd::reload_sshd().map_err(EnableTrouble::Systemd),
            false => Ok(()),
        }
    }
}

/// sshd's own file.
const SSHD_CONFIG: &str = crate::doctor::sshd::FILE;
/// Where what was before is kept.
const FOLDER: &str = "/var/lib/fob-enable";

/// Sees to it that a run which is killed is taken back. What nobody has to confirm does not hang on it.
fn arm_where_it_runs() {
    if systemd::is_running()
        && let Err(why) = systemd::arm()
    {
        remark(&why);
    }
}

/// Returns the newest line of fobd's log: what is accepted behind it was accepted under the change.
async fn newest_line() -> Result<u64, Failure> {
    crate::verbs::log::newest_line(&daemon(Patience::Short).await?).await
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::unistd::Uid;
    use tempfile::TempDir;

    use super::{Host, Run, Session};
    use crate::{
        enable::{Plan, Who, disabling, enabling, revert},
        failure::{EnableTrouble, Failure},
    };

    const SUDO: &str = "@include common-auth\n";

    fn host(folder: &TempDir) -> Host {
        for (name, text) in [("common-auth", "auth required pam_unix.so\n"), ("sudo", SUDO)] {
            fs::create_dir_all(folder.path().join("etc/pam.d")).unwrap();
            fs::write(folder.path().join("etc/pam.d").join(name), text).unwrap();
        }
        fs::create_dir_all(folder.path().join("var/lib")).unwrap();
        Host::below(folder.path(), Uid::effective().as_raw())
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    fn sudo(host: &Host) -> Plan {
        enabling(&host.ground, &host.tree, &["sudo".to_owned()], (None, &Who::AsBefore)).unwrap()
    }

    #[test]
    fn nothing_is_made_for_good_over_a_change_that_waits() {
        let folder = TempDir::new().unwrap();
        let host = host(&folder);
        let plan = sudo(&host);
        let run = Run { host: &host, plan: &plan };
        run.begin(&run.lock().unwrap(), 1000, Session::default()).unwrap();
        let refused = block_on(run.for_good(1001, Session::default()));
        assert!(matches!(refused, Err(Failure::Enable(EnableTrouble::Waits))), "{refused:?}");
        assert_eq!(host.store.look().unwrap().unwrap().time, 1000);
        assert_eq!(fs::read_to_string(folder.path().join("etc/pam.d/sudo")).unwrap(), SUDO);
    }
    #[test]
    fn a_plan_of_files_that_are_others_now_is_not_written_down() {
        let folder = TempDir::new().unwrap();
        let host = host(&folder);
        let plan = sudo(&host);
        let edited = format!("{SUDO}# mine\n");
        fs::write(folder.path().join("etc/pam.d/sudo"), edited).unwrap();
        let run = Run { host: &host, plan: &plan };
        let refused = run.begin(&run.lock().unwrap(), 1000, Session::default());
        assert!(matches!(refused, Err(Failure::Enable(EnableTrouble::Changed { .. }))));
        assert!(host.store.look().unwrap().is_none());
    }
    #[test]
    fn a_removal_that_is_killed_is_taken_back_and_one_that_ends_leaves_nothing_to_take_back() {
        let folder = TempDir::new().unwrap();
        let host = host(&folder);
        let file = folder.path().join("etc/pam.d/sudo");
        Run { host: &host, plan: &sudo(&host) }.write(sudo(&host).changes.iter()).unwrap();
        let with = fs::read_to_string(&file).unwrap();
        let plan = disabling(&host.tree, &["sudo".to_owned()]).unwrap();
        let run = || Run { host: &host, plan: &plan };
        // Killed behind its first file.
        run().begin(&run().lock().unwrap(), 1000, Session::default()).unwrap();
        run().write(plan.changes.iter()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), SUDO);
        revert(&host.tree, &host.store.look().unwrap().unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), with);
        host.store.lock().unwrap().save(None).unwrap();
        run().take_out(1000, Session::default()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), SUDO);
        assert!(host.store.look().unwrap().is_none());
    }

    /// Without systemd nothing else would end the waiting, and a removal of Fob is refused meanwhile.
    #[test]
    fn a_removal_ends_the_waiting_of_a_change_that_was_killed_before_it_wrote() {
        let folder = TempDir::new().unwrap();
        let host = host(&folder);
        let plan = sudo(&host);
        let run = Run { host: &host, plan: &plan };
        run.begin(&run.lock().unwrap(), 1000, Session::default()).unwrap();
        let plan = disabling(&host.tree, &["sudo".to_owned()]).unwrap();
        let run = Run { host: &host, plan: &plan };
        assert!(plan.changes.is_empty() && run.is_waited_for().unwrap());
        Run { host: &host, plan: &plan }.take_out(1100, Session::default()).unwrap();
        assert!(host.store.look().unwrap().is_none());
        assert!(!run.is_waited_for().unwrap());
    }

    #[test]
    fn a_removal_lets_what_else_waits_go_on_waiting() {
        let folder = TempDir::new().unwrap();
        let host = host(&folder);
        fs::write(folder.path().join("etc/pam.d/su"), SUDO).unwrap();
        let both = ["sudo".to_owned(), "su".to_owned()];
        let plan = enabling(&host.ground, &host.tree, &both, (None, &Who::AsBefore)).unwrap();
        let run = Run { host: &host, plan: &plan };
        let (_, waits) = run.begin(&run.lock().unwrap(), 1000, Session::default()).unwrap();
        run.write(plan.changes.iter()).unwrap();
        let plan = disabling(&host.tree, &both[..1]).unwrap();
        Run { host: &host, plan: &plan }.take_out(1100, Session::default()).unwrap();
        let left = host.store.look().unwrap().unwrap();
        assert_eq!((left.time, left.services), (1100, vec!["su".to_owned()]));
        assert_eq!((left.files, left.sessions), (waits.files[1..].to_vec(), waits.sessions));
    }
}
