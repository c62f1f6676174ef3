-- A warehouse of schema version 7, as that release left it: its tables and some rows. Views are made anew by an upgrade.
CREATE SCHEMA books;
CREATE SCHEMA star;
CREATE TABLE star.dim_account(account_key BIGINT NOT NULL, account VARCHAR NOT NULL, provider VARCHAR NOT NULL, external_id VARCHAR, timezone VARCHAR, start_date DATE, lookback_days INTEGER, is_active BOOLEAN NOT NULL, privacy VARCHAR);
INSERT INTO star.dim_account VALUES
('0', 'unknown', 'unknown', NULL, NULL, NULL, NULL, 'false', NULL),
('377121833016233960', 'acme', 'chatcaptain', 'bot-1', 'Europe/Berlin', '2025-03-01', '3', 'true', NULL);
CREATE TABLE star.dim_channel(channel_key BIGINT NOT NULL, provider VARCHAR NOT NULL, channel_code VARCHAR NOT NULL, channel VARCHAR NOT NULL, channel_group VARCHAR NOT NULL, is_test BOOLEAN NOT NULL);
INSERT INTO star.dim_channel VALUES
('0', 'unknown', 'unknown', 'unknown', 'unknown', 'false'),
('1121098113600913397', 'chatcaptain', 'debug', 'webchat', 'test', 'true'),
('479369934557987173', 'chatcaptain', 'whatsapp', 'whatsapp', 'messaging', 'false'),
('740877622159487573', 'chatcaptain', 'webchat', 'webchat', 'web', 'false');
CREATE TABLE star.dim_country(country_key BIGINT NOT NULL, country_code VARCHAR NOT NULL, country VARCHAR NOT NULL);
INSERT INTO star.dim_country VALUES
('0', 'unknown', 'unknown'),
('262668088601571277', 'DE', 'Germany'),
('958370458614680226', 'NA', 'Namibia');
CREATE TABLE star.dim_date(date DATE NOT NULL, "year" SMALLINT NOT NULL, "quarter" SMALLINT NOT NULL, "month" SMALLINT NOT NULL, month_name VARCHAR NOT NULL, year_month VARCHAR NOT NULL, day_of_month SMALLINT NOT NULL, iso_year SMALLINT NOT NULL, iso_week SMALLINT NOT NULL, weekday SMALLINT NOT NULL, weekday_name VARCHAR NOT NULL, is_weekend BOOLEAN NOT NULL);
INSERT INTO star.dim_date VALUES
('2025-03-01', '2025', '1', '3', 'March', '2025-03', '1', '2025', '9', '6', 'Saturday', 'true'),
('2025-03-02', '2025', '1', '3', 'March', '2025-03', '2', '2025', '9', '7', 'Sunday', 'true'),
('2025-03-03', '2025', '1', '3', 'March', '2025-03', '3', '2025', '10', '1', 'Monday', 'false');
CREATE TABLE star.dim_intent(intent_key BIGINT NOT NULL, account_key BIGINT NOT NULL, intent VARCHAR NOT NULL);
INSERT INTO star.dim_intent VALUES
('0', '0', 'unknown'),
('730350040381479427', '377121833016233960', 'null'),
('797617037484050639', '377121833016233960', ' Öffnungszeiten ');
CREATE TABLE star.dim_language(language_key BIGINT NOT NULL, language_code VARCHAR NOT NULL, "language" VARCHAR NOT NULL);
INSERT INTO star.dim_language VALUES
('0', 'unknown', 'unknown'),
('427893678308073431', 'de', 'de'),
('509274314316496545', 'pt-BR', 'pt'),
('848126370517145613', 'pt-PT', 'pt');
CREATE TABLE star.dim_metric(metric_key BIGINT NOT NULL, metric VARCHAR NOT NULL, unit VARCHAR NOT NULL, additivity VARCHAR NOT NULL, description VARCHAR);
INSERT INTO star.dim_metric VALUES
('0', 'unknown', 'unknown', 'unknown', NULL),
('151705270512226960', 'messages_median', 'messages', 'not additive', 'Median'),
('170417185516784185', 'tokens', 'tokens', 'additive', 'Tokens by model'),
('346312040439207181', 'end_reason', 'conversations', 'additive', 'Why calls ended'),
('403596419645613748', 'type', 'conversations', 'additive', 'Types'),
('408126410599745781', 'channel_call_transfer_targets', 'conversations', 'additive', 'Calls by transfer target'),
('709799123375742488', 'topic', 'conversations', 'additive', 'Topics'),
('788637468088645928', 'inbox', 'as named', 'not additive', 'Inbox numbers'),
('899641440634222281', 'channel_conversations', 'conversations', 'additive', 'Conversations of a channel');
CREATE TABLE books.drift(date DATE NOT NULL, provider VARCHAR NOT NULL, account VARCHAR NOT NULL, stream VARCHAR NOT NULL, kind VARCHAR NOT NULL, "name" VARCHAR NOT NULL, batch VARCHAR NOT NULL);
INSERT INTO books.drift VALUES
('2025-03-02', 'chatcaptain', 'acme', 'export', 'unknown field', '$.new', 'batch-1');
CREATE TABLE star.fact_channel_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, channel_key BIGINT NOT NULL, conversations BIGINT, messages BIGINT, interactions BIGINT, call_duration_seconds DECIMAL(18,3));
INSERT INTO star.fact_channel_daily VALUES
('377121833016233960', '2025-03-01', '0', '1', NULL, NULL, NULL),
('377121833016233960', '2025-03-01', '1121098113600913397', '2', NULL, NULL, NULL),
('377121833016233960', '2025-03-01', '479369934557987173', '1', NULL, NULL, NULL),
('377121833016233960', '2025-03-02', '0', '1', NULL, NULL, NULL),
('377121833016233960', '2025-03-02', '1121098113600913397', '2', NULL, NULL, NULL),
('377121833016233960', '2025-03-02', '479369934557987173', '2', NULL, NULL, NULL);
CREATE TABLE star.fact_conversation(account_key BIGINT NOT NULL, date DATE NOT NULL, conversation_id VARCHAR NOT NULL, started_at TIMESTAMP WITH TIME ZONE, ended_at TIMESTAMP WITH TIME ZONE, channel_key BIGINT NOT NULL, language_key BIGINT NOT NULL, "type" VARCHAR, project_id VARCHAR, integration_id VARCHAR, messages BIGINT, user_messages BIGINT, interactions BIGINT, duration_seconds DECIMAL(18,3), end_reason VARCHAR, transfer_target VARCHAR, user_id VARCHAR, properties VARCHAR);
INSERT INTO star.fact_conversation VALUES
('377121833016233960', '2025-03-01', 'c0', '2025-03-01 12:00:00+00', NULL, '479369934557987173', '0', NULL, NULL, NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('377121833016233960', '2025-03-01', 'c1', '2025-03-01 12:00:00+00', NULL, '479369934557987173', '0', NULL, NULL, NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('377121833016233960', '2025-03-02', 'c0', '2025-03-01 12:00:00+00', NULL, '479369934557987173', '0', NULL, NULL, NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('377121833016233960', '2025-03-02', 'c1', '2025-03-01 12:00:00+00', NULL, '479369934557987173', '0', NULL, NULL, NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('377121833016233960', '2025-03-02', 'c2', '2025-03-01 12:00:00+00', NULL, '479369934557987173', '0', NULL, NULL, NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE star.fact_conversation_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, conversations BIGINT, messages BIGINT, user_messages BIGINT, interactions BIGINT, understood_messages BIGINT, misunderstood_messages BIGINT, unique_users BIGINT, call_duration_seconds DECIMAL(18,3), cost_amount DECIMAL(18,6), cost_currency VARCHAR, tokens BIGINT);
INSERT INTO star.fact_conversation_daily VALUES
('377121833016233960', '2025-03-01', '2', '4', NULL, NULL, NULL, NULL, NULL, '1.500', '0.100001', 'EUR', NULL),
('377121833016233960', '2025-03-02', '3', '6', NULL, NULL, NULL, NULL, NULL, '1.500', '0.100001', 'EUR', NULL);
CREATE TABLE star.fact_conversation_intent(account_key BIGINT NOT NULL, date DATE NOT NULL, conversation_id VARCHAR NOT NULL, intent_key BIGINT NOT NULL, hits BIGINT, score DECIMAL(18,9));
INSERT INTO star.fact_conversation_intent VALUES
('377121833016233960', '2025-03-01', 'c0', '730350040381479427', '2', '0.500000000'),
('377121833016233960', '2025-03-02', 'c0', '730350040381479427', '2', '0.500000000');
CREATE TABLE star.fact_country_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, country_key BIGINT NOT NULL, conversations BIGINT);
INSERT INTO star.fact_country_daily VALUES
('377121833016233960', '2025-03-01', '0', '1'),
('377121833016233960', '2025-03-01', '958370458614680226', '2'),
('377121833016233960', '2025-03-02', '0', '1'),
('377121833016233960', '2025-03-02', '958370458614680226', '3');
CREATE TABLE star.fact_flow_transition(account_key BIGINT NOT NULL, date DATE NOT NULL, conversation_id VARCHAR NOT NULL, transition_id VARCHAR NOT NULL, from_step_id VARCHAR, from_step_type VARCHAR, to_step_id VARCHAR, to_step_type VARCHAR, depth BIGINT, "at" TIMESTAMP WITH TIME ZONE);
INSERT INTO star.fact_flow_transition VALUES
('377121833016233960', '2025-03-01', 'c0', 't0', 'a', NULL, NULL, NULL, '1', '2025-03-01 12:00:00+00'),
('377121833016233960', '2025-03-02', 'c0', 't0', 'a', NULL, NULL, NULL, '1', '2025-03-01 12:00:00+00');
CREATE TABLE star.fact_intent_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, intent_key BIGINT NOT NULL, hits BIGINT, rank INTEGER, is_top_n BOOLEAN);
INSERT INTO star.fact_intent_daily VALUES
('377121833016233960', '2025-03-01', '0', '1', '3', 'true'),
('377121833016233960', '2025-03-01', '730350040381479427', '2', '1', 'true'),
('377121833016233960', '2025-03-01', '797617037484050639', '1', '2', 'true'),
('377121833016233960', '2025-03-02', '0', '1', '3', 'true'),
('377121833016233960', '2025-03-02', '730350040381479427', '3', '1', 'true'),
('377121833016233960', '2025-03-02', '797617037484050639', '1', '2', 'true');
CREATE TABLE star.fact_language_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, language_key BIGINT NOT NULL, conversations BIGINT);
INSERT INTO star.fact_language_daily VALUES
('377121833016233960', '2025-03-01', '0', '1'),
('377121833016233960', '2025-03-01', '427893678308073431', '2'),
('377121833016233960', '2025-03-02', '0', '1'),
('377121833016233960', '2025-03-02', '427893678308073431', '3');
CREATE TABLE star.fact_metric_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, metric_key BIGINT NOT NULL, member VARCHAR, channel_id VARCHAR, "value" DECIMAL(28,9));
INSERT INTO star.fact_metric_daily VALUES
('377121833016233960', '2025-03-01', '151705270512226960', NULL, 'c-1', '2.500000000'),
('377121833016233960', '2025-03-01', '151705270512226960', NULL, NULL, NULL),
('377121833016233960', '2025-03-01', '170417185516784185', 'model-a', NULL, '2.000000000'),
('377121833016233960', '2025-03-01', '346312040439207181', 'hangup', NULL, '2.000000000'),
('377121833016233960', '2025-03-01', '403596419645613748', 'unknown', NULL, '2.000000000'),
('377121833016233960', '2025-03-01', '709799123375742488', 'prices', NULL, '2.000000000'),
('377121833016233960', '2025-03-01', '788637468088645928', 'open', NULL, '1.500000000'),
('377121833016233960', '2025-03-02', '151705270512226960', NULL, 'c-1', '2.500000000'),
('377121833016233960', '2025-03-02', '151705270512226960', NULL, NULL, NULL),
('377121833016233960', '2025-03-02', '170417185516784185', 'model-a', NULL, '3.000000000'),
('377121833016233960', '2025-03-02', '346312040439207181', 'hangup', NULL, '3.000000000'),
('377121833016233960', '2025-03-02', '403596419645613748', 'unknown', NULL, '3.000000000'),
('377121833016233960', '2025-03-02', '709799123375742488', 'prices', NULL, '3.000000000'),
('377121833016233960', '2025-03-02', '788637468088645928', 'open', NULL, '1.500000000');
CREATE TABLE star.fact_team_daily(account_key BIGINT NOT NULL, date DATE NOT NULL, bot_id VARCHAR NOT NULL, bot_version VARCHAR NOT NULL, channel_key BIGINT NOT NULL, language_key BIGINT NOT NULL, conversations BIGINT);
INSERT INTO star.fact_team_daily VALUES
('377121833016233960', '2025-03-01', 'b', 'LIVE', '740877622159487573', '509274314316496545', '1'),
('377121833016233960', '2025-03-01', 'b', 'LIVE', '740877622159487573', '848126370517145613', '1'),
('377121833016233960', '2025-03-02', 'b', 'LIVE', '740877622159487573', '509274314316496545', '1'),
('377121833016233960', '2025-03-02', 'b', 'LIVE', '740877622159487573', '848126370517145613', '1');
CREATE TABLE books.forgotten(date DATE NOT NULL, provider VARCHAR NOT NULL, account VARCHAR NOT NULL, request_id VARCHAR NOT NULL, forgotten_at TIMESTAMP WITH TIME ZONE NOT NULL, batches VARCHAR[], responses BIGINT NOT NULL, records BIGINT NOT NULL, "rows" BIGINT NOT NULL);
INSERT INTO books.forgotten VALUES
('2025-03-22', 'chatcaptain', 'acme', 'request-1', '2025-03-22 06:00:00+00', '[batch-1]', '1', '2', '0');
CREATE TABLE books.load_ledger(date DATE NOT NULL, provider VARCHAR NOT NULL, account VARCHAR NOT NULL, state VARCHAR NOT NULL, batches VARCHAR[], fetched_at TIMESTAMP WITH TIME ZONE, loaded_at TIMESTAMP WITH TIME ZONE, "rows" BIGINT, totals VARCHAR, "zone" VARCHAR, external_id VARCHAR, run_id VARCHAR, schema_version INTEGER, code_version VARCHAR, "error" VARCHAR, error_at TIMESTAMP WITH TIME ZONE, landed_at TIMESTAMP WITH TIME ZONE, privacy VARCHAR);
INSERT INTO books.load_ledger VALUES
('2025-03-01', 'chatcaptain', 'acme', 'loaded', '[batch-1]', '2025-03-21 06:00:00+00', '2025-03-21 06:00:00+00', '24', '{"conversations": 10, "cost": "1.50"}', 'Europe/Berlin', 'bot-1', 'run-1', '2', '0.1.0', NULL, NULL, '2025-03-21 06:00:00+00', NULL),
('2025-03-02', 'chatcaptain', 'acme', 'loaded', '[batch-1]', '2025-03-20 06:00:00+00', '2025-03-20 06:00:00+00', '25', '{"conversations": 10, "cost": "1.50"}', 'Europe/Berlin', 'bot-1', 'run-1', '2', '0.1.0', NULL, NULL, '2025-03-20 06:00:00+00', NULL),
('2025-03-03', 'chatcaptain', 'acme', 'failed', NULL, NULL, NULL, NULL, NULL, 'Europe/Berlin', 'bot-1', NULL, NULL, NULL, '503: try again', '2025-03-20 06:00:00+00', NULL, NULL);
CREATE TABLE books.load_run(date DATE NOT NULL, provider VARCHAR NOT NULL, account VARCHAR NOT NULL, run_id VARCHAR NOT NULL, command VARCHAR NOT NULL, started_at TIMESTAMP WITH TIME ZONE NOT NULL, ended_at TIMESTAMP WITH TIME ZONE, planned BIGINT NOT NULL, loaded BIGINT NOT NULL, failed BIGINT NOT NULL, requests BIGINT NOT NULL, retries BIGINT NOT NULL, bytes BIGINT NOT NULL, "rows" BIGINT NOT NULL, waited_seconds DECIMAL(18,3) NOT NULL, "error" VARCHAR);
INSERT INTO books.load_run VALUES
('2025-03-20', 'chatcaptain', 'acme', 'run-1', 'load', '2025-03-20 06:00:00+00', '2025-03-20 06:01:00+00', '2', '2', '0', '12', '1', '4096', '49', '1.500', NULL);
CREATE TABLE books.measure_definition(provider VARCHAR NOT NULL, measure VARCHAR NOT NULL, meaning VARCHAR NOT NULL, unit VARCHAR, additivity VARCHAR);
INSERT INTO books.measure_definition VALUES
('cognigy', 'conversations', 'billable units', 'units', 'additive');
CREATE TABLE books.reconciliation(date DATE NOT NULL, provider VARCHAR NOT NULL, account VARCHAR NOT NULL, measure VARCHAR NOT NULL, against VARCHAR NOT NULL, reported DECIMAL(38,9), loaded DECIMAL(38,9), difference DECIMAL(38,9), verdict VARCHAR NOT NULL, reason VARCHAR);
INSERT INTO books.reconciliation VALUES
('2025-03-01', 'chatcaptain', 'acme', 'conversations', 'channel_daily', '2.500000000', '2.500000000', '0.000000000', 'ok', NULL),
('2025-03-02', 'chatcaptain', 'acme', 'conversations', 'channel_daily', '6.000000000', '5.000000000', '1.000000000', 'explained', 'one call has no channel');
CREATE TABLE books.restatement_log(date DATE NOT NULL, provider VARCHAR NOT NULL, account VARCHAR NOT NULL, "view" VARCHAR NOT NULL, member VARCHAR, measure VARCHAR NOT NULL, "old" DECIMAL(38,9), "new" DECIMAL(38,9), age_days INTEGER NOT NULL, logged_at TIMESTAMP WITH TIME ZONE NOT NULL, arrival BIGINT);
INSERT INTO books.restatement_log VALUES
('2025-03-01', 'chatcaptain', 'acme', 'channel_daily', 'whatsapp', 'conversations', '2.000000000', '1.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'conversation', NULL, 'conversations', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'conversation', NULL, 'messages', '9.000000000', '6.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'conversation_daily', NULL, 'conversations', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'conversation_daily', NULL, 'messages', '6.000000000', '4.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'country_daily', 'NA', 'conversations', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'intent_daily', 'null', 'hits', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'language_daily', 'de', 'conversations', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'metric_daily', 'end_reason / hangup', 'value', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'metric_daily', 'tokens / model-a', 'value', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'metric_daily', 'topic / prices', 'value', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL),
('2025-03-01', 'chatcaptain', 'acme', 'metric_daily', 'type / unknown', 'value', '3.000000000', '2.000000000', '20', '2025-03-21 06:00:00+00', NULL);
CREATE TABLE books.schema_version("version" INTEGER NOT NULL, "name" VARCHAR NOT NULL, applied_at TIMESTAMP WITH TIME ZONE NOT NULL);
INSERT INTO books.schema_version VALUES
('1', 'the star', '2026-11-28 19:24:42.495876+00'),
('2', 'runs, and when a slice''s answers had landed', '2026-11-28 19:24:42.495876+00'),
('3', 'reconciliation.reported', '2026-11-28 19:24:42.495876+00'),
('4', 'monthly views with the days of the month', '2026-11-28 19:24:42.495876+00'),
('5', 'privacy settings of slices, and people who were forgotten', '2026-11-28 19:24:42.495876+00'),
('6', 'the order of restatements, without a clock', '2026-11-29 18:09:27.798289+00'),
('7', 'schemas of the star and the books', '2026-11-29 18:38:57.526228+00');
CREATE TABLE books.store_state(commits BIGINT NOT NULL, "views" VARCHAR NOT NULL);
INSERT INTO books.store_state VALUES
('8', 'b96c81513dbabf240ac9aaddd625fa7019f0cf89fbc8e859888f184d01f46e90');
