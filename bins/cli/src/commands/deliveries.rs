//! `meshhook deliveries`: what became of each POST.

mod audit;
mod list;
mod show;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::admin::AdminArgs;
use crate::failure::Failure;
use crate::output::Output;

use audit::Audit;
use list::List;

/// Look at deliveries, retry or drop one, and audit them all
#[derive(Args)]
pub(crate) struct Deliveries {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List deliveries, the newest first
    List(List),
    /// Show a delivery's whole life
    Show(One),
    /// Send a delivery that was not sent, in a new message
    Retry {
        #[command(flatten)]
        one: One,
        /// Also one that may have been sent: the room may then show it twice
        #[arg(long)]
        force: bool,
    },
    /// Give a delivery up
    Drop(One),
    /// Look for what breaks the promise of once in everything that is on record
    Audit(Audit),
}

#[derive(Args)]
struct One {
    /// The delivery's id
    #[arg(value_parser = id)]
    id: String,
    /// Print the gateway's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Ids need no escape in a path.
fn id(text: &str) -> Result<String, &'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let fits = !text.is_empty() && text.len() <= 128 && text.bytes().all(plain);
    if fits { Ok(text.to_owned()) } else { Err("copy it from meshhook deliveries list") }
}

impl Deliveries {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match &self.action {
            Action::List(list) => list.run(output),
            Action::Show(one) => {
                let delivery = one.admin.open()?.get(&format!("/deliveries/{}", one.id))?;
                if one.json { output.json(&delivery) } else { show::print(&delivery, output) }
            }
            Action::Retry { one, force } => one.order("retry", &json!({ "force": force }), output),
            Action::Drop(one) => one.order("drop", &json!({}), output),
            Action::Audit(audit) => audit.run(output),
        }
    }
}

impl One {
    fn order(&self, order: &str, body: &Value, output: &mut Output<'_>) -> Result<(), Failure> {
        let delivery = self.admin.open()?.post(&format!("/deliveries/{}/{order}", self.id), body)?;
        if self.json {
            return output.json(&delivery);
        }
        let status = delivery.get("status").and_then(Value::as_str).unwrap_or("?");
        output.line(&format!("{} {status}", self.id))
    }
}
