# A page of swift-argument-parser's tool as man-db expects it: `man mae pretrain` and `man mae-pretrain` find it, apropos
# can read its name, and no line is empty.
/^\.Sh / { section = $2 }
/^\.Dt / { gsub(/\./, "-", $2) }
/^\.Xr / { gsub(/\./, "-", $2) }
section == "NAME" && /^\.Nm / { name = substr($0, 5); word = name; gsub(/"/, "", word); gsub(/ /, "-", word); $0 = ".Nm " word }
section != "NAME" && $0 == ".Nm" { $0 = ".Nm " name }
$0 == "" { $0 = ".Pp" }
{ print }
