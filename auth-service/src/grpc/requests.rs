//! Messages as domain types: every offending field is named at once.

use turbomessage_proto::auth_v1::{
    ChangePasswordRequest, DeleteAccountRequest, LoginRequest, RegisterRequest,
    UpdateAccountRequest,
};
use turbomessage_service_kit::{
    fields::Fields,
    problem::{Problem, Rule},
};

use crate::{
    domain::{DeviceName, DisplayName, Password, Username},
    login::Login,
    registration::Registration,
};

/// The one field of an account that can be changed.
const DISPLAY_NAME: &str = "display_name";

pub(super) fn registration(request: RegisterRequest) -> Result<Registration, Problem> {
    let mut fields = Fields::new();
    let username = fields.accept("username", Username::parse(&request.username));
    let password = fields.accept("password", Password::chosen(request.password));
    let display_name = if request.display_name.is_empty() {
        username.as_ref().map(DisplayName::from)
    } else {
        fields.accept(DISPLAY_NAME, DisplayName::parse(&request.display_name))
    };
    let device_name = fields.accept("device_name", DeviceName::parse(&request.device_name));
    fields.finish()?;
    let all = (username, password, display_name, device_name);
    let (Some(username), Some(password), Some(display_name), Some(device_name)) = all else {
        return Err(nothing_noted());
    };
    Ok(Registration {
        username,
        password,
        display_name,
        device_name,
    })
}

pub(super) fn login(request: LoginRequest) -> Result<Login, Problem> {
    let mut fields = Fields::new();
    let username = fields.accept("username", Username::parse(&request.username));
    let password = fields.accept("password", Password::given(request.password));
    let device_name = fields.accept("device_name", DeviceName::parse(&request.device_name));
    fields.finish()?;
    let (Some(username), Some(password), Some(device_name)) = (username, password, device_name)
    else {
        return Err(nothing_noted());
    };
    Ok(Login {
        username,
        password,
        device_name,
    })
}

/// The new display name, if it is to change.
pub(super) fn account_update(
    request: &UpdateAccountRequest,
) -> Result<Option<DisplayName>, Problem> {
    let mut fields = Fields::new();
    let paths = request
        .update_mask
        .as_ref()
        .map_or(&[][..], |mask| &mask.paths);
    if paths.iter().any(|path| path != DISPLAY_NAME) {
        fields.reject("update_mask", Rule::UnknownValue);
    }
    let wanted = !request.display_name.is_empty() || !paths.is_empty();
    let display_name = wanted
        .then(|| fields.accept(DISPLAY_NAME, DisplayName::parse(&request.display_name)))
        .flatten();
    fields.finish()?;
    Ok(display_name)
}

/// The password until now and the one from now on.
pub(super) fn password_change(
    request: ChangePasswordRequest,
) -> Result<(Password, Password), Problem> {
    let mut fields = Fields::new();
    let current = fields.accept(
        "current_password",
        Password::given(request.current_password),
    );
    let new = fields.accept("new_password", Password::chosen(request.new_password));
    fields.finish()?;
    current.zip(new).ok_or_else(nothing_noted)
}

pub(super) fn deletion(request: DeleteAccountRequest) -> Result<Password, Problem> {
    let mut fields = Fields::new();
    let password = fields.accept("password", Password::given(request.password));
    fields.finish()?;
    password.ok_or_else(nothing_noted)
}

/// A field was refused and not noted, which cannot be.
fn nothing_noted() -> Problem {
    Problem::internal(anyhow::anyhow!(
        "a field is missing that nothing is wrong with"
    ))
}
