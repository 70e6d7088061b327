# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_fobctl_global_optspecs
    string join \n h/help V/version
end

function __fish_fobctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_fobctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_fobctl_using_subcommand
    set -l cmd (__fish_fobctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c fobctl -n "__fish_fobctl_needs_command" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_needs_command" -s V -l version -d 'Print version'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "import" -d 'Put the tokens of a vendor\'s seed file in stock'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "identify" -d 'Find out which token it is that has no label any more, by its codes'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "forecast" -d 'List the tokens that need a resync or a replacement soon'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "list" -d 'List the tokens'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "log" -d 'Show what was decided and changed, or check that log'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "show" -d 'Show a user and his tokens, or one token'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "assign" -d 'Give a token to a user, proven by two codes in a row'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "resync" -d 'Set a token\'s clock right, proven by two codes in a row'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "rekey" -d 'Seal all seeds by a new master key, while sign-ins go on'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "rotate" -d 'Replace a user\'s token by another, proven by two codes of the new one'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "recovery" -d 'Print ten new recovery codes of a user, once'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "bypass" -d 'Print a temporary code for a user, once'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "deactivate" -d 'Take a user\'s token from him'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "emergency" -d 'Make codes with which an administrator signs in while codes cannot be checked'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "forget" -d 'Erase the seed of a token that nobody has, for good'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "backup" -d 'Write all tokens into a file, sealed by a passphrase or for public keys'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "restore" -d 'Bring the tokens of a backup in, on this host or a new one'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "doctor" -d 'Look for mistakes in PAM, sshd and this host that lock people out or let them in'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "enable" -d 'Let services ask for the code, until it is taken back or confirmed'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "confirm" -d 'Keep what enable has changed, from a new session that was asked for a code'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "disable" -d 'Let services ask for no code any more'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "revert" -d 'Take back what enable has changed and nobody has confirmed'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "explain" -d 'Say whether somebody would be asked for a code, and why'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "report" -d 'Say who would have been asked for a code while nobody was, and who has no token'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "report-lost" -d 'Report a token lost, proven by a recovery code: it never signs in again'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "status" -d 'Show the daemon\'s state'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "tickets" -d 'List or end tickets, with which sudo and polkit do not ask again for some minutes'
complete -c fobctl -n "__fish_fobctl_needs_command" -f -a "unlock" -d 'Let one code be enough again for a user whose wrong codes were too many'
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l format -d 'Read it as this format instead of recognizing it' -r -f -a "pskc\t''
oath-csv\t''
privacyidea-csv\t''
linotp-csv\t''
plain-csv\t''
entra-csv\t''
safeid-csv\t''
multiotp-csv\t''
yubico-csv\t''
feitian-text\t''
nexus-text\t''
safenet-xml\t''
safeword-dat\t''"
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l encoding -d 'Take the seeds as written in this encoding, where the format leaves it open' -r -f -a "hex\t''
base32\t''
base64\t''"
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l kind -d 'Say what the tokens are (digits, seconds), where the file does not' -r -f -a "hotp-6\t''
hotp-8\t''
totp-6-30\t''
totp-6-60\t''
totp-8-30\t''
totp-8-60\t''"
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l partial -d 'Take the good tokens, and write the rows of the others into this new file, with the reasons' -r -F
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l batch -d 'Call the tokens that come in this, such as "2026-11 Feitian"' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l password-fd -d 'Read the passphrase or key of an encrypted file from this descriptor, up to the end of its line' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l from -d 'Take tokens over from another program, each with its user' -r -f -a "google-authenticator\t''
users.oath\t''
otpauth\t''"
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l user -d 'Give the one token of the file to this user, whomever the file names' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l secret -d 'Where the users\' files are, as the option secret= of pam_google_authenticator says it' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l list-formats -d 'Explain each format with an example, and import nothing'
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l dry-run -d 'Check the file and say what would be added, without adding it'
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l ignore-expiry -d 'Take tokens whose file says that they have expired, or may not be used yet'
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -l json -d 'Print the receipt, or what became of each user, as JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand import" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand identify" -l two -d 'Ask for two codes in a row at once, also if one is enough'
complete -c fobctl -n "__fish_fobctl_using_subcommand identify" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand identify" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand forecast" -l within -d 'Look so many days ahead' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand forecast" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand forecast" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand list" -l state -d 'List only tokens in this state' -r -f -a "stock\t''
assigned\t''
lost\t''
retired\t''"
complete -c fobctl -n "__fish_fobctl_using_subcommand list" -l batch -d 'List only tokens that an import has called this' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand list" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand list" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l user -d 'Show only events about this user' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l serial -d 'Show only events about the token with this serial' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l event -d 'Show only events of this name, or with this verdict' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l since -d 'Show only events from then on' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l until -d 'Show only events before then' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l lines -d 'Show the last so many' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l verify -d 'Check whether every line is there, and as it was written'
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l follow -d 'Go on with those that come'
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -l json -d 'Print JSON, one event on a line'
complete -c fobctl -n "__fish_fobctl_using_subcommand log" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand show" -l token -d 'Show this token instead of a user' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand show" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand show" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand assign" -l virtual -d 'Make a token for an app on a phone, and show the picture that it scans'
complete -c fobctl -n "__fish_fobctl_using_subcommand assign" -l accept-clock -d 'Take the token although its clock is more than two hours off, up to 26'
complete -c fobctl -n "__fish_fobctl_using_subcommand assign" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand resync" -l accept-clock -d 'Take the token although its clock is more than two hours off, up to 26'
complete -c fobctl -n "__fish_fobctl_using_subcommand resync" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand rekey" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand rotate" -l lost -d 'Report the old token lost: it never signs in again'
complete -c fobctl -n "__fish_fobctl_using_subcommand rotate" -l retire -d 'Take the old token out of use'
complete -c fobctl -n "__fish_fobctl_using_subcommand rotate" -l accept-clock -d 'Take the token although its clock is more than two hours off, up to 26'
complete -c fobctl -n "__fish_fobctl_using_subcommand rotate" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand recovery" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand bypass" -l for -d 'Let the code expire after this time: 1m to 7d, such as 10m, 2h or 1d' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand bypass" -l reason -d 'Say why, in at most 200 bytes' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand bypass" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand deactivate" -l token -d 'Take this token from whoever has it, also if he is no user of this host any more' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand deactivate" -l lost -d 'Report the old token lost: it never signs in again'
complete -c fobctl -n "__fish_fobctl_using_subcommand deactivate" -l retire -d 'Take the old token out of use'
complete -c fobctl -n "__fish_fobctl_using_subcommand deactivate" -l leave-root-without-mfa -d 'Leave root without a token'
complete -c fobctl -n "__fish_fobctl_using_subcommand deactivate" -l leave-no-administrator -d 'Take it also from the last administrator who has one'
complete -c fobctl -n "__fish_fobctl_using_subcommand deactivate" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand emergency" -l remove -d 'Remove his codes instead'
complete -c fobctl -n "__fish_fobctl_using_subcommand emergency" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand forget" -l yes -d 'Do not ask for the serial again'
complete -c fobctl -n "__fish_fobctl_using_subcommand forget" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand backup" -l recipient -d 'Seal it for this public key of age; may be given several times' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand backup" -l passphrase-stdin -d 'Seal it by the passphrase in the first line of standard input'
complete -c fobctl -n "__fish_fobctl_using_subcommand backup" -l force -d 'Replace the file if it is there'
complete -c fobctl -n "__fish_fobctl_using_subcommand backup" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand restore" -l identity -d 'Open it by a private key of age in this file' -r -F
complete -c fobctl -n "__fish_fobctl_using_subcommand restore" -l passphrase-stdin -d 'Open it by the passphrase in the first line of standard input'
complete -c fobctl -n "__fish_fobctl_using_subcommand restore" -l dry-run -d 'Say what would be done, without doing it'
complete -c fobctl -n "__fish_fobctl_using_subcommand restore" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand doctor" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l with -d 'What comes before the code; a key is for sshd alone, one field for all others' -r -f -a "publickey\t'A key, and no password'
password\t'The password'
one-field\t'The password, in one answer with the code: for programs with a single field'"
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l group -d 'Ask the members of this group only, and root' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l from -d 'Until this day (UTC) do not ask those who never had a token, but for root' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l i-will-be-locked-out -d 'Do it though no administrator could sign in' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l everybody -d 'Ask everybody again, whatever --group or --from said before'
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l dry-run -d 'Show the difference, and change nothing'
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l yes -d 'Do not ask before writing'
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l without-revert -d 'Do it where nothing takes it back by itself'
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -l json -d 'Print the list as JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fobctl -n "__fish_fobctl_using_subcommand confirm" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand disable" -l dry-run -d 'Show the difference, and change nothing'
complete -c fobctl -n "__fish_fobctl_using_subcommand disable" -l yes -d 'Do not ask before writing'
complete -c fobctl -n "__fish_fobctl_using_subcommand disable" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand revert" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand explain" -l user -d 'Who signs in' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand explain" -l service -d 'Where: the PAM service, such as sshd or sudo' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand explain" -l rhost -d 'From where, as the service says it: an address, or a name' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand explain" -l all -d 'All who have a token, root, administrators and users of /etc/passwd, in all services that ask'
complete -c fobctl -n "__fish_fobctl_using_subcommand explain" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand explain" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand report" -l since -d 'Look at sign-ins from then on' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand report" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand report" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand report-lost" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand status" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand tickets" -l revoke -d 'End this user\'s tickets' -r
complete -c fobctl -n "__fish_fobctl_using_subcommand tickets" -l revoke-all -d 'End all tickets'
complete -c fobctl -n "__fish_fobctl_using_subcommand tickets" -l json -d 'Print JSON'
complete -c fobctl -n "__fish_fobctl_using_subcommand tickets" -s h -l help -d 'Print help'
complete -c fobctl -n "__fish_fobctl_using_subcommand unlock" -l share -d 'Only for codes from there' -r -f -a "console\t''
escalation\t''
known\t''
own\t''
unknown\t''"
complete -c fobctl -n "__fish_fobctl_using_subcommand unlock" -s h -l help -d 'Print help'
