//! Who gets in, and what those hear who do not.

mod edge;
pub(crate) mod ending;
mod flood;
mod hygiene;
mod passwords;
mod secrets;
mod sessions;
mod strangers;
mod tickets;

/// The methods' paths, for calls below the generated clients.
mod paths {
    pub(super) const LOGIN: &str = "/turbomessage.auth.v1.AuthService/Login";
    pub(super) const ACCOUNT: &str = "/turbomessage.auth.v1.AuthService/GetAccount";
    pub(super) const MAILBOX: &str = "/turbomessage.mail.v1.MailService/GetMailbox";
}
