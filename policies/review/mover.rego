package grantgate.review

# METADATA
# title: Moved since
# description: |
#   The person's groups or manager are not those of the day when somebody last answered for the grant. A change that was
#   taken back is none.
candidates contains {"detector": "mover", "action": "recertify"} if {
	recertifiable
	moved
}

moved if {
	certified := input.account.certified
	{group | some group in input.account.groups} != {group | some group in certified.groups}
}

moved if input.account.manager != input.account.certified.manager
