-- The share of each channel in the conversations of an account and month, without test channels.
with channels as (
    select
        month,
        provider,
        account,
        channel,
        min(days) as days,
        min(days_in_month) as days_in_month,
        cast(sum(conversations) as bigint) as conversations
    from {{ source('chatmart', 'channel_monthly') }}
    where not is_test
    group by month, provider, account, channel
)

select
    *,
    cast(conversations / nullif(sum(conversations) over (partition by month, account), 0) as decimal(9, 6)) as share
from channels
