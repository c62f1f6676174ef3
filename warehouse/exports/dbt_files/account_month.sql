-- The figures of an account and month that people want first, in one row. The month may be loaded in part: see days.
select
    months.month,
    months.provider,
    months.account,
    months.days,
    months.days_in_month,
    months.conversations,
    cast(months.conversations / nullif(months.days, 0) as decimal(18, 1)) as conversations_per_day,
    understood.understood_rate,
    containment.containment_rate,
    months.cost_amount,
    months.cost_currency
from {{ source('chatmart', 'conversation_monthly') }} as months
left join {{ source('chatmart', 'understood_monthly') }} as understood using (month, provider, account)
left join {{ source('chatmart', 'containment_monthly') }} as containment using (month, provider, account)
