#!/bin/sh
# The PostgreSQL image runs this once, when it creates the database: the logins of the API and the workers, which own nothing.
# `migrate --roles` grants their roles what they need.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv api_password API_DATABASE_PASSWORD
\getenv worker_password WORKER_DATABASE_PASSWORD
CREATE ROLE field_api NOLOGIN;
CREATE ROLE field_worker NOLOGIN;
CREATE ROLE "field-api" LOGIN PASSWORD :'api_password' IN ROLE field_api;
-- Verifying a backup restores it into a database of its own.
CREATE ROLE "field-worker" LOGIN PASSWORD :'worker_password' CREATEDB IN ROLE field_worker;
SQL
