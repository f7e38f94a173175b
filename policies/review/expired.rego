package grantgate.review

# METADATA
# title: Expired
# description: The grant's time is over. It is denied already; its entry only clutters the file.
candidates contains {"detector": "expired", "action": "delete"} if has_expired
