//! `tokctl list` as text: a table on a terminal, tab-separated lines elsewhere.

use std::io::{self, IsTerminal, Write};

use super::columns::Shown;
use super::selection::{Listed, Listing, Selection};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::stopped::Stopped;
use crate::cli::table::Table;
use crate::ops::error::StoreError;

/// Prints the credentials of `selection`, each on one line.
pub(super) fn print(
    context: &Context,
    selection: &Selection<'_>,
    columns: &[Shown],
) -> Result<Listing, CliError> {
    if io::stdout().is_terminal() {
        print_table(context, selection, columns)
    } else {
        print_lines(context, selection, columns)
    }
}

fn print_table(
    context: &Context,
    selection: &Selection<'_>,
    columns: &[Shown],
) -> Result<Listing, CliError> {
    let mut table = Table::new(columns.iter().map(|(column, fit)| (column.heading(), *fit)));
    let is_reader = context.is_reader();
    let listing = selection.each(|Listed { summary, .. }| {
        let cell = |(column, _): &Shown| column.cell(&summary, is_reader, selection.now);
        table.add(columns.iter().map(cell).collect());
        Ok::<_, Stopped<StoreError>>(())
    });
    let listing = listing.map_err(|stopped| match stopped {
        Stopped::Reading(error) | Stopped::Printing(error) => error,
    })?;
    if listing.count > 0 {
        context.ui.line(&table.render())?;
    }
    Ok(listing)
}

fn print_lines(
    context: &Context,
    selection: &Selection<'_>,
    columns: &[Shown],
) -> Result<Listing, CliError> {
    let mut end = Ok(Listing::default());
    let printed = context.ui.stream(|stdout| {
        let listing = selection.each(|Listed { summary, .. }| {
            for (at, (column, _)) in columns.iter().enumerate() {
                let gap = if at == 0 { "" } else { "\t" };
                write!(stdout, "{gap}{}", column.text(&summary, selection.now))
                    .map_err(Stopped::Printing)?;
            }
            stdout.write_all(b"\n").map_err(Stopped::Printing)
        });
        match listing {
            Ok(listing) => end = Ok(listing),
            Err(Stopped::Printing(error)) => return Err(error),
            Err(Stopped::Reading(error)) => end = Err(error),
        }
        Ok(())
    });
    // A read error is the reason why printing stopped, so it comes first.
    let listing = end?;
    printed.map(|()| listing)
}
