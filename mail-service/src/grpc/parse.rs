//! Requests as domain types. Every offending field is named, not just the first.

use turbomessage_proto::mail_v1::{
    self as proto, ListMessagesRequest, MessageView, ModifyMessagesRequest, SendMessageRequest,
};
use turbomessage_service_kit::{
    fields::Fields,
    problem::{Problem, Rule},
};
use uuid::Uuid;

use crate::{
    commit::{Modify, Place},
    domain::{Body, Draft, FolderRole, MAX_CHANGED, PageSize, Recipients, RequestId},
};

pub(super) fn send(request: SendMessageRequest) -> Result<(Option<RequestId>, Draft), Problem> {
    not_served("attachment_ids", !request.attachment_ids.is_empty())?;
    not_served("labels", !request.labels.is_empty())?;
    not_served("deliver_time", request.deliver_time.is_some())?;

    let mut fields = Fields::new();
    let id = fields.optional_id("request_id", &request.request_id);
    let recipients = Recipients::parse(&mut fields, &request.to, &request.cc, &request.bcc);
    let in_reply_to = fields.optional_id("in_reply_to", &request.in_reply_to);
    let body = request.body.unwrap_or_default();
    let body = Body {
        text: body.text,
        html: body.html,
    };
    let draft = Draft::parse(&mut fields, recipients, request.subject, body, in_reply_to);
    fields.finish()?;
    let request_id = id.map(|id| RequestId {
        id,
        fingerprint: draft.fingerprint(),
    });
    Ok((request_id, draft))
}

/// A field that the contract names and this version does not serve.
fn not_served(field: &'static str, given: bool) -> Result<(), Problem> {
    if given {
        Err(Problem::not_served(field))
    } else {
        Ok(())
    }
}

/// Whether the text is wanted, where it is unless told otherwise.
pub(super) fn view(fields: &mut Fields, view: i32) -> bool {
    match MessageView::try_from(view) {
        Ok(MessageView::Unspecified | MessageView::Full) => true,
        Ok(MessageView::Basic) => false,
        Err(_) => {
            fields.reject("view", Rule::UnknownValue);
            false
        }
    }
}

pub(super) fn list(request: &ListMessagesRequest) -> Result<(Place, PageSize), Problem> {
    not_served("label", !request.label.is_empty())?;
    let mut fields = Fields::new();
    let place = place(
        &mut fields,
        ["folder_id", "folder_role"],
        &request.folder_id,
        request.folder_role,
    );
    if place.is_none() && fields.is_ok() {
        fields.reject("folder_id", Rule::Required);
    }
    let size = fields.accept("page_size", PageSize::parse(request.page_size));
    let (Some(place), Some(size)) = (place, size) else {
        return Err(fields.finish().err().unwrap_or_else(|| {
            Problem::internal(anyhow::anyhow!("a field is missing and was not named"))
        }));
    };
    fields.finish()?;
    Ok((place, size))
}

pub(super) fn modify(owner_id: Uuid, request: ModifyMessagesRequest) -> Result<Modify, Problem> {
    not_served("add_labels", !request.add_labels.is_empty())?;
    not_served("remove_labels", !request.remove_labels.is_empty())?;

    let mut fields = Fields::new();
    let message_ids = fields.ids("message_ids", &request.message_ids, MAX_CHANGED);
    let names = ["move_to_folder_id", "move_to_folder_role"];
    let place = place(
        &mut fields,
        names,
        &request.move_to_folder_id,
        request.move_to_folder_role,
    );
    if request.etag.is_some() && message_ids.len() > 1 {
        fields.reject("etag", Rule::OnlyWithOne("message_ids"));
    }
    fields.finish()?;
    Ok(Modify {
        owner_id,
        message_ids,
        read: request.set_read,
        starred: request.set_starred,
        place,
        etag: request.etag,
    })
}

/// A folder by id or by role, not both; none if neither is given.
fn place(fields: &mut Fields, names: [&'static str; 2], id: &str, role: i32) -> Option<Place> {
    let by_id = fields.optional_id(names[0], id).map(Place::Folder);
    let by_role = match proto::FolderRole::try_from(role) {
        Ok(proto::FolderRole::Unspecified) => None,
        Ok(role) => FolderRole::from_number(role as i16).map(Place::Role),
        Err(_) => {
            fields.reject(names[1], Rule::UnknownValue);
            None
        }
    };
    if !id.is_empty() && by_role.is_some() {
        fields.reject(names[1], Rule::NotTogether(names[0]));
    }
    by_id.or(by_role)
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::problem::Reason;

    use super::*;

    fn fields_of<T: std::fmt::Debug>(result: Result<T, Problem>) -> Vec<String> {
        let problem = result.unwrap_err();
        assert_eq!(problem.reason(), Reason::FieldInvalid);
        problem
            .violations()
            .iter()
            .map(|v| v.field.clone())
            .collect()
    }

    #[test]
    fn the_numbers_of_roles_are_those_of_the_contract() {
        for role in FolderRole::ALL {
            let theirs = proto::FolderRole::try_from(i32::from(role as i16)).unwrap();
            let name = format!("FOLDER_ROLE_{}", role.name().to_uppercase());
            assert_eq!(theirs.as_str_name(), name);
        }
    }

    #[test]
    fn every_offending_field_of_a_send_is_named() {
        let request = SendMessageRequest {
            request_id: "x".into(),
            to: vec!["bob".into(), "?".into()],
            subject: "a\r\nb".into(),
            in_reply_to: "y".into(),
            body: Some(proto::Body {
                text: "\0".into(),
                html: String::new(),
            }),
            ..Default::default()
        };
        assert_eq!(
            fields_of(send(request)),
            ["request_id", "to[1]", "in_reply_to", "subject", "body.text"]
        );
    }

    #[test]
    fn what_is_not_served_says_so() {
        let request = SendMessageRequest {
            labels: vec!["x".into()],
            ..Default::default()
        };
        let problem = send(request).unwrap_err();
        assert_eq!(problem.reason(), Reason::MethodUnknown);
        assert_eq!(problem.metadata("field"), Some("labels"));
    }

    #[test]
    fn a_folder_is_named_once() {
        let id = Uuid::from_u128(1).to_string();
        let role = proto::FolderRole::Inbox as i32;
        let request = |folder_id: &str, folder_role, page_size| ListMessagesRequest {
            folder_id: folder_id.into(),
            folder_role,
            page_size,
            ..Default::default()
        };
        assert!(list(&request(&id, 0, 0)).is_ok());
        assert!(list(&request("", role, 0)).is_ok());
        assert_eq!(fields_of(list(&request(&id, role, 0))), ["folder_role"]);
        assert_eq!(
            fields_of(list(&request("", 0, -1))),
            ["folder_id", "page_size"]
        );
        assert_eq!(
            fields_of(list(&request("x", 99, 0))),
            ["folder_id", "folder_role"]
        );
    }

    #[test]
    fn an_etag_goes_with_one_message() {
        let ids = |n: u128| (0..n).map(|n| Uuid::from_u128(n).to_string()).collect();
        let request = |n| ModifyMessagesRequest {
            message_ids: ids(n),
            etag: Some("1".into()),
            ..Default::default()
        };
        assert!(modify(Uuid::nil(), request(1)).is_ok());
        assert_eq!(fields_of(modify(Uuid::nil(), request(2))), ["etag"]);
        assert_eq!(fields_of(modify(Uuid::nil(), request(0))), ["message_ids"]);
        assert_eq!(
            fields_of(modify(Uuid::nil(), request(1001))),
            ["message_ids"]
        );
    }
}
