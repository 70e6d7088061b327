/* The other module in a stack. With an argument it has asked for the password, and sets
 * PAM_AUTHTOK to that; "asks" asks for anything, and "sees-none" refuses if there is one. Without an
 * argument it answers PAM_MAXTRIES, which nobody else does: so a test sees that the module before it
 * said PAM_IGNORE.
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>

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
    const void *known = NULL;
    char *typed = NULL;
    (void)flags;
    if (argc != 1)
        return PAM_MAXTRIES;
    if (!strcmp(argv[0], "asks")) {
        int code = pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &typed, "Something: ");
        free(typed);
        return code;
    }
    if (!strcmp(argv[0], "sees-none"))
        return pam_get_item(pamh, PAM_AUTHTOK, &known) || known ? PAM_AUTH_ERR : PAM_SUCCESS;
    return pam_set_item(pamh, PAM_AUTHTOK, argv[0]);
}
