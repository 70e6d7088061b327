/* The other module in a stack. With an argument it has asked for the password, and sets
 * PAM_AUTHTOK to that. Without one it answers PAM_MAXTRIES, which nobody else does: so a test
 * sees that the module before it said PAM_IGNORE.
 */
#include <security/pam_modules.h>

#define WITHOUT_EFFECT(name)                                                                       \
    int name(pam_handle_t *pamh, int flags, int argc, const char **argv)                           \
    {                                                                                              \
        (void)pamh, (void)flags, (void)argc, (void)argv;                                           \
        return PAM_MAXTRIES;                                                                       \
    }

WITHOUT_EFFECT(pam_sm_setcred)
WITHOUT_EFFECT(pam_sm_acct_mgmt)
WITHOUT_EFFECT(pam_sm_open_session)
WITHOUT_EFFECT(pam_sm_close_session)
WITHOUT_EFFECT(pam_sm_chauthtok)

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return argc == 1 ? pam_set_item(pamh, PAM_AUTHTOK, argv[0]) : PAM_MAXTRIES;
}
