//! For tests and demos only: generator of companies, API client, emulator client.
