"""The ledger of a team in a PostgreSQL database: schema `launchway`, claims side by side, news by NOTIFY."""
