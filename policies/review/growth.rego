package grantgate.review

# METADATA
# title: Grown since
# description: |
#   The group that holds the grant reaches many more people and services than on the day when somebody last answered for
#   the grant.
candidates contains {"detector": "growth", "action": "recertify"} if {
	recertifiable
	input.group.members > input.group.certified_members
	grown
}

grown if {
	more := input.group.members - input.group.certified_members
	more >= input.thresholds.growth.share * input.group.certified_members
}

grown if input.group.members - input.group.certified_members >= input.thresholds.growth.members
