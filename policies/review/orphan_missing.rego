package grantgate.review

# METADATA
# title: Not in the directory
# description: |
#   No provider knew the principal in several syncs in a row, far enough apart for one bad read not to count. A provider
#   whose file is gone, or whose read was cut short, says nothing.
candidates contains {"detector": "orphan-missing", "action": "revoke"} if {
	live
	missing
	not may_be_there
}

# METADATA
# title: Not in the directory, and maybe there
# description: |
#   No provider knows the principal any more, and it may be there all the same: tokens bring it, or the records do not show
#   that they do not; or it moved to a provider that was not read since. Somebody is asked, once, and again when the answer
#   ends.
candidates contains {"detector": "orphan-missing", "action": "recertify"} if {
	recertifiable
	missing
	may_be_there
	not is_another
	not answered
}

answered if {
	not answer_ended
	input.grant.review.at >= missing_since
}

# Whoever gave it to a group that tokens bring meant that one.
answered if {
	not answer_ended
	input.account.brought_at
	certified_at >= missing_since
}

# METADATA
# title: Nobody reads whether they are there
# description: The file of the provider that knew the principal is gone, and no other knows it. Somebody is asked, as above.
candidates contains {"detector": "orphan-missing", "action": "recertify"} if {
	recertifiable
	input.as_of - input.account.unread_since >= apart
	not is_another
	not answered_unread
}

answered_unread if {
	not answer_ended
	certified_at >= input.account.unread_since
}

# Who kept it until a day did not keep it for longer.
answer_ended if input.as_of >= input.grant.review.until

missing if {
	count(input.account.absences) > 0
	every absence in input.account.absences {
		absence.syncs >= input.thresholds.orphan_missing.syncs
		absence.to - absence.from >= apart
	}
}

apart := input.thresholds.orphan_missing.apart_hours * 3600

missing_since := max([absence.from | some absence in input.account.absences])

may_be_there if {
	input.account.by_tokens
	not no_token_came
}

may_be_there if input.account.brought_at >= missing_since

# Nobody waits for ever for a provider to be read again: who moved there has been denied for so long.
may_be_there if {
	count(input.account.awaited) > 0
	input.as_of - missing_since < input.thresholds.dormant.revoke_after_days * day
}

# Missing records prove nothing, nor does a time in which nobody need have come.
no_token_came if {
	told_by_records
	not brought_lately
}

brought_lately if input.as_of - input.account.brought_at < window_seconds.dormant

told_by_records if {
	windows.dormant
	evaluable("dormant")
}

# METADATA
# title: Somebody else
# description: The login was given to another person after the grant, as the provider's own id says.
candidates contains {"detector": "orphan-missing", "action": "revoke"} if {
	live
	is_another
}

# METADATA
# title: Another group
# description: |
#   The name went to another group of the provider after somebody answered for the grant, as its own id says: whoever is in
#   that one has the access now. A keep was of the group that was.
candidates contains {"detector": "orphan-missing", "action": "recertify"} if {
	active
	certified_at < input.account.group_replaced_at
}

is_another if input.account.id_changed_at > input.grant.granted_at
