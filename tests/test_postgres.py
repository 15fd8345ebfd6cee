import asyncio

import asyncpg


def test_each_url_is_an_empty_database_of_a_real_server(postgres, postgres_url):
    async def use(url: str) -> tuple[str, int]:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("create table mark (number int)")
            counted = "select count(*) from pg_tables where schemaname = 'public'"
            return await connection.fetchval("show server_version"), await connection.fetchval(
                counted
            )
        finally:
            await connection.close()

    for url in (postgres_url, postgres.new_database()):
        version, tables = asyncio.run(use(url))
        assert int(version.split(".")[0].split()[0]) >= 12
        assert tables == 1
