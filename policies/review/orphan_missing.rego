package grantgate.review

# METADATA
# title: Not in the directory
# description: |
#   No provider knew the principal in several syncs in a row, far enough apart for one bad read not to count. A provider
#   whose file is gone, or whose read was cut short, says nothing.
candidates contains {"detector": "orphan-missing", "action": "revoke"} if {
	live
	missing
	not input.account.brought_at
}

# METADATA
# title: Not in the directory, and yet there
# description: |
#   No provider knows the group any more, and tokens brought it since: whether it is still meant nobody here can tell, so
#   somebody is asked, once.
candidates contains {"detector": "orphan-missing", "action": "recertify"} if {
	recertifiable
	missing
	input.account.brought_at
	certified_at < missing_since
}

missing if {
	count(input.account.absences) > 0
	every absence in input.account.absences {
		absence.syncs >= input.thresholds.orphan_missing.syncs
		absence.to - absence.from >= input.thresholds.orphan_missing.apart_hours * 3600
	}
}

missing_since := max([absence.from | some absence in input.account.absences])

# METADATA
# title: Somebody else
# description: The login was given to another person after the grant, as the provider's own id says.
candidates contains {"detector": "orphan-missing", "action": "revoke"} if {
	live
	input.account.id_changed_at > input.grant.granted_at
}
