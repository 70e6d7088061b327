Name: Fob: a token's code after the password, from everybody
Default: no
Priority: 65
Conflicts: fob-nullok
Auth-Type: Additional
Auth:
	required	pam_fob.so
