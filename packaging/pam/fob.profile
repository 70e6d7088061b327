Name: Fob: a token's code after the password, from everybody
Default: no
Priority: 64
Conflicts: fob-nullok
Auth-Type: Additional
Auth:
	required	pam_fob.so
