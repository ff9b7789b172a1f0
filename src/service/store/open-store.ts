// The history store: SQLite in one file, by Node's own driver, with Kysely's queries. It indexes; journals stay files.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';
import { Migrator } from 'kysely/migration';
import { AppError, messageOf } from '../../core/errors.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Tables } from './tables.ts';

export type Store = Kysely<Tables>;

/**
 * Opens the store and brings its schema up to date. Close it with `destroy()`.
 * @param path a file, or `:memory:` for tests
 * @throws AppError STORE when it cannot be opened or was made by a newer version
 */
export async function openStore(path: string): Promise<Store> {
  const store = new Kysely<Tables>({ dialect: new SqliteDialect({ database: () => Promise.resolve(open(path)) }) });
  const migrator = new Migrator({ db: store, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return store;
  await store.destroy();
  throw new AppError('STORE', `the history store ${path} cannot be used: ${messageOf(error)}`, {
    remedy: 'use the version of Holdfast that wrote it or a newer one, or give the service another --state folder',
    cause: error,
  });
}

function open(path: string): SqliteDatabase {
  const database = new DatabaseSync(path);
  // WAL: readers never wait for the writer. FULL: what was answered as stored survives the loss of power.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON');
  return {
    close: () => {
      database.close();
    },
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
      };
    },
  };
}
