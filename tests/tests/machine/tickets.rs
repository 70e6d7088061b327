//! Step-up tickets with the real sudo, in a login at the console.

use fob_tests::host::Host;

#[test]
fn after_one_code_sudo_does_not_ask_again_on_that_terminal_until_the_ticket_is_revoked() {
    let host = Host::start();
    host.shell(
        "sed -i 's/^#ticket_minutes = 0$/ticket_minutes = 10/' /etc/fob/fobd.conf
         grep -q '^ticket_minutes = 10' /etc/fob/fobd.conf
         systemctl restart fobd",
    );
    let (alice, mut token) = host.person_with_button_token("alice");
    let [login, first, second, elsewhere] = [(); 4].map(|()| token.next_code());
    // -k: sudo's own memory, which would not even ask for the password, is left out.
    let seen = host
        .login(&alice.name)
        .password(alice.password)
        .code(&login)
        .shell("sudo -k id -un")
        .password(alice.password)
        .code(&first)
        .shell("sudo -k id -un")
        .password(alice.password)
        .shell(&format!("sudo -k fobctl tickets --revoke {}", alice.name))
        .password(alice.password)
        .shell("sudo -k id -un")
        .password(alice.password)
        .code(&second)
        .run();
    let codes = seen.prompts.iter().filter(|prompt| prompt.contains("code")).count();
    assert_eq!(codes, 3, "login, the first sudo, and the one behind the revocation: {seen:?}");
    assert_eq!(seen.text.iter().filter(|line| *line == "root").count(), 3, "{seen:?}");
    assert!(seen.says(&format!("1 ticket of {} is ended", alice.name)), "{seen:?}");
    assert_eq!(host.verdicts(&alice.name), ["accept", "accept", "exempt", "exempt", "accept"]);
    // The ticket of that terminal is none on another.
    let other = host.sudo(&alice).password(alice.password).code(&elsewhere).run();
    other.assert_signed_in_as("root");
}
