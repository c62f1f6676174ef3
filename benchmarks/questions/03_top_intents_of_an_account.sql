SELECT intent, sum(hits) AS hits FROM intent_daily
WHERE account = 'account-042'
    AND date > (SELECT max(date) FROM intent_daily WHERE account = 'account-042') - 365
GROUP BY intent ORDER BY hits DESC LIMIT 10
