Name: Fob: a token's code after the password, from those who have a token
Default: no
Priority: 64
Conflicts: fob
Auth-Type: Additional
Auth:
	required	pam_fob.so nullok
