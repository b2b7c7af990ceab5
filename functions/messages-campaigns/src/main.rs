//! `messages-campaigns`: campaigns and their results, suppressed addresses, mail settings, taking leave of campaigns.
mod handler;
mod suppressing;

use foundation::permission::Permission;
use handler::Office;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let messages = messages::Messages::new(&aws, &mut env);
    let link_key = messages::unsubscribe::LinkKey::from_env(&mut env);
    env.complete()?;
    let templates = messages::template::Templates::new()?;
    Routes::over(Office { people, messages, link_key, templates })
        .on(Method::Get, "/mail-settings", Access::Needs(Permission::SettingsRead), handler::settings)
        .on(Method::Put, "/mail-settings", Access::Needs(Permission::SettingsWrite), handler::put_settings)
        .on(Method::Post, "/campaigns", Access::Needs(Permission::CampaignsSend), handler::create)
        .on(Method::Get, "/campaigns/{campaignId}", Access::Needs(Permission::CampaignsSend), handler::show)
        .on(
            Method::Get,
            "/campaigns/{campaignId}/recipients",
            Access::Needs(Permission::CampaignsSend),
            handler::recipients,
        )
        .on(Method::Get, "/suppressions", Access::Needs(Permission::CampaignsSend), suppressing::list)
        .on(
            Method::Put,
            "/suppressions/{address}",
            Access::Needs(Permission::CampaignsSend),
            suppressing::suppress,
        )
        .on(
            Method::Delete,
            "/suppressions/{address}",
            Access::Needs(Permission::CampaignsSend),
            suppressing::allow,
        )
        .on(Method::Get, "/public/unsubscribe", Access::Public, suppressing::ask_to_leave)
        .on(Method::Post, "/public/unsubscribe", Access::Public, suppressing::leave)
        .serve()
        .await
}
